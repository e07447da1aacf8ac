/**
 * The composition root: environment, store, gateway, doors; then it serves until a signal comes,
 * drains, and ends. A start that cannot be is one line on standard error and exit code 1.
 */

import project from "../deno.json" with { type: "json" };
import { AssertionFailed } from "./assert.ts";
import { isLoopback, readSettings, type Settings, StartRefused } from "./config.ts";
import { Gateway } from "./gateway.ts";
import { onStop } from "./host/signals.ts";
import { systemHost, type SystemTelemetry } from "./host/system.ts";
import { TICK_MS } from "./limits.ts";
import { createApp } from "./server/app.ts";
import { clientRoutes } from "./server/client_module.ts";
import { eventRoutes } from "./server/events.ts";
import { groupRoutes } from "./server/groups.ts";
import { operationRoutes } from "./server/operations.ts";
import { producerRoutes } from "./server/producers.ts";
import { recordRoutes } from "./server/records.ts";
import { statusRoutes } from "./server/status_page.ts";
import { type Listener, socketRoutes } from "./server/upgrade.ts";
import { topicRoutes } from "./server/topics.ts";
import { openDenoKv, StoreRefused } from "./store/deno_kv.ts";
import type { Store } from "./store/store.ts";

async function serve(): Promise<void> {
  const settings = readSettings(Deno.env.toObject());
  const host = systemHost();
  reportWhatNobodyCatches(host.telemetry);
  const store = await openStore(settings);
  const server = `weir ${project.version}`;
  const gateway = new Gateway({ store, host, settings, server });
  gateway.lost.addEventListener("abort", () => {
    print(Deno.stderr, "weir ends: it has been out of touch with its store for too long");
    Deno.exit(75);
  });
  await gateway.start();
  const listener = await openDoors(gateway, settings, host.telemetry);
  const ticking = setInterval(() => gateway.tick(), TICK_MS);
  const stop = new Promise<void>((resolve) => onStop(resolve, () => Deno.exit(1)));
  print(Deno.stdout, `weir ${project.version} listening on ${listener.url}`);

  await stop;
  await gateway.drain();
  clearInterval(ticking);
  await listener.close();
  await gateway.close();
  store.close();
  Deno.exit(0);
}

/** The client of servers is loaded only where one is used. */
async function openStore({ store, storeToken }: Settings): Promise<Store> {
  if (!/^https?:/.test(store)) return await openDenoKv(store);
  const { openKvConnect } = await import("./store/kv_connect.ts");
  return await openKvConnect(store, storeToken);
}

async function openDoors(
  gateway: Gateway,
  settings: Settings,
  telemetry: SystemTelemetry,
): Promise<Listener> {
  const { host, port } = settings;
  const fetch = createApp({
    rules: settings,
    telemetry,
    routes: {
      ...socketRoutes,
      ...clientRoutes,
      ...statusRoutes(`weir ${project.version}`),
      ...topicRoutes(gateway.broker),
      ...recordRoutes(gateway.broker),
      ...eventRoutes(gateway.broker, gateway.leaving),
      ...producerRoutes(gateway.broker),
      ...groupRoutes(gateway.broker),
      ...operationRoutes({
        ready: () => gateway.ready(),
        leaving: gateway.leaving,
        metrics: () => telemetry.metrics(),
        gauges: () => ({ ...gateway.gauges, resident_bytes: Deno.memoryUsage().rss }),
      }),
    },
  });
  try {
    const listen = await adapterOf(settings, telemetry);
    return await listen({
      host,
      port,
      fetch,
      rules: settings,
      telemetry,
      connect: (wire) => gateway.connect(wire),
    });
  } catch (error) {
    throw new StartRefused(`Cannot listen on ${host}:${port}: ${(error as Error).message}`);
  }
}

/**
 * The adapter that the settings name. Only that one is loaded: the packages of the other may not run
 * where this one is wanted.
 */
async function adapterOf({ sockets, host }: Settings, telemetry: SystemTelemetry) {
  if (sockets === "ws") return (await import("./server/ws_listener.ts")).listen;
  const { listenNative } = await import("./server/native_listener.ts");
  const { NATIVE_LIMITS } = await import("./server/native_socket.ts");
  // On Deno Deploy the platform stands in front.
  if (!isLoopback(host) && !Deno.env.has("DENO_DEPLOYMENT_ID")) {
    telemetry.report("warn", "WEIR_SOCKETS=native is not for the open network", {
      because: NATIVE_LIMITS,
    });
  }
  return listenNative;
}

/**
 * What no part catches is a bug of ours. It is reported, and those that it does not touch go on; but
 * where an invariant is broken outside of any socket or request, what is in memory cannot be trusted,
 * and what is stored can: then the process ends, and the next one reads it.
 */
function reportWhatNobodyCatches(telemetry: SystemTelemetry): void {
  const report = (event: Event, error: unknown) => {
    event.preventDefault();
    telemetry.count("uncaught_errors_total");
    telemetry.report("error", "An error was caught by nobody", { error });
    if (!(error instanceof AssertionFailed)) return;
    print(Deno.stderr, `weir ends: it must always be true that ${error.message}`);
    Deno.exit(70);
  };
  globalThis.addEventListener("error", (event) => report(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => report(event, event.reason));
}

function print(to: { writeSync(bytes: Uint8Array): number }, line: string): void {
  to.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    await serve();
  } catch (error) {
    if (!(error instanceof StartRefused || error instanceof StoreRefused)) throw error;
    print(Deno.stderr, error.message);
    Deno.exit(1);
  }
}
