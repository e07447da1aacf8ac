/**
 * Several gateways over one store, on this machine: `deno task cluster [--gateways 3] [--port 8080]
 * [--data data/cluster]`. It prints their addresses and status, and stops them all in the end.
 */

import { parseArgs } from "node:util";
import { startDenokv } from "./denokv_process.ts";
import { type GatewayProcess, startGateway } from "./gateway_process.ts";
import { print } from "./print.ts";
import { runProgram } from "./program.ts";
import { repeatedly } from "./repeatedly.ts";

const TELL_EVERY_MS = 2_000;
const USAGE = "Usage: deno task cluster [--gateways 3] [--port 8080] [--data data/cluster]";

interface ClusterOptions {
  readonly gateways: number;
  /**
   * Port of the first gateway; the others have the next ones, and the store the one after those.
   */
  readonly port: number;
  readonly data: string;
}

function options(args: string[]): ClusterOptions {
  const { values } = parseArgs({
    args,
    options: {
      gateways: { type: "string", default: "3" },
      port: { type: "string", default: "8080" },
      data: { type: "string", default: "data/cluster" },
    },
  });
  const [gateways, port] = [Number(values.gateways), Number(values.port)];
  const fits = Number.isInteger(gateways) && gateways >= 1 && gateways <= 50 &&
    Number.isInteger(port) && port >= 1 && port + gateways <= 65_535;
  if (!fits) throw new Error(USAGE);
  return { gateways, port, data: values.data };
}

/** One line on a gateway, from its own metrics. */
async function statusOf({ url }: GatewayProcess): Promise<string> {
  const { port } = new URL(url);
  try {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string) =>
      metrics.match(new RegExp(`^weir_${name} (\\S+)$`, "m"))?.[1] ?? "0";
    return `${port}: ${value("sessions")} sessions, ${value("store_writes_total")} writes`;
  } catch {
    return `${port}: down`;
  }
}

async function cluster({ gateways: count, port, data }: ClusterOptions): Promise<void> {
  await Deno.mkdir(data, { recursive: true });
  const stop = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
  });
  // Ctrl-C must not reach the store: the gateways need it until they have drained.
  const store = await startDenokv({
    file: `${data}/weir.sqlite`,
    port: port + count,
    detached: true,
  });
  const starting = Array.from(
    { length: count },
    (_, i) => startGateway({ store: store.url, token: store.token, port: port + i }),
  );
  try {
    const gateways = await Promise.all(starting);
    for (const { url } of gateways) print(`weir cluster: gateway at ${url}`);
    print(`weir cluster: store at ${store.url} in ${data}    (Ctrl-C ends it)`);
    const stopTelling = repeatedly(
      TELL_EVERY_MS,
      async () => print((await Promise.all(gateways.map(statusOf))).join("   ")),
    );
    await stop;
    await stopTelling();
  } finally {
    const started = await Promise.allSettled(starting);
    await Promise.all(started.map((one) => one.status === "fulfilled" && one.value.stop()));
    await store.stop();
  }
}

async function main(): Promise<number> {
  await cluster(options(Deno.args));
  return 0;
}

if (import.meta.main) await runProgram(main);
