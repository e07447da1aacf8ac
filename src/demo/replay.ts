/**
 * Driver tracking on real input: `deno task replay FILE [--speed 60] [--drivers 1000] [--url
 * URL]…`.
 *
 * Idempotent producers publish real taxi fixes through a gateway, a record for each, while three
 * groups read them at their own pace: fare meter, surge, archive. Consumers are killed and started
 * all the time. It ends with a summary counted from the records, and with an error if anything is
 * lost or duplicated.
 */

import { parseArgs } from "node:util";
import { readShifts, Recording, schedule } from "./fixes.ts";
import { startGateway } from "./gateway_process.ts";
import { print } from "./print.ts";
import { runProgram } from "./program.ts";
import { repeatedly } from "./repeatedly.ts";
import { Tracking } from "./tracking.ts";

const MEMBERS = 3;
const REPLACE_EVERY_MS = 1_500;
const RAIN_EVERY_MS = 5_000;
const TELL_EVERY_MS = 1_000;

const USAGE =
  "Usage: deno task replay FILE [--speed 60] [--drivers 1000] [--url http://HOST:PORT]…";

interface Options {
  readonly file: string;
  readonly speed: number;
  readonly drivers: number;
  /** Gateways on the same store; if empty, it starts its own. */
  readonly urls: readonly string[];
}

function options(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      speed: { type: "string", default: "60" },
      drivers: { type: "string", default: "1000" },
      url: { type: "string", multiple: true, default: [] },
    },
  });
  const [file] = positionals;
  const speed = Number(values.speed);
  const drivers = Number(values.drivers);
  if (!file || !(speed > 0) || !Number.isInteger(drivers) || drivers < 1) throw new Error(USAGE);
  return { file, speed, drivers, urls: values.url };
}

/** Returns whether everything came through exactly once. */
async function replay(given: Options, urls: readonly string[], folder: string): Promise<boolean> {
  const { file, speed } = given;
  const shifts = await readShifts(file, given.drivers);
  const due = schedule(shifts);
  const seconds = (due.at(-1)?.afterS ?? 0) / speed;
  const rowsPerSecond = Math.ceil(due.length / Math.max(1, seconds) / 10);
  print(
    `${due.length} fixes of ${shifts.length} drivers in ${Math.ceil(seconds)} s; ` +
      `the archive's database takes ${rowsPerSecond} rows a second while they drive`,
  );
  const tracking = await Tracking.start({ urls, folder, rowsPerSecond, members: MEMBERS });
  const { crews, surge } = tracking;
  let turn = 0;
  const stops = [
    repeatedly(REPLACE_EVERY_MS, () => {
      const crew = crews[turn++ % crews.length];
      crew?.kill();
      crew?.start();
    }),
    repeatedly(RAIN_EVERY_MS, () => void (surge.raining = !surge.raining)),
    repeatedly(TELL_EVERY_MS, async () => {
      tracking.check();
      print(await progress(tracking));
    }),
  ];
  await tracking.drive(new Recording(due), speed);
  await tracking.catchUp();
  await Promise.all(stops.map((stop) => stop()));
  const { line, isWhole } = await tracking.count();
  await tracking.close();
  print(line);
  return isWhole;
}

async function progress({ api, crews, drivers, surge }: Tracking): Promise<string> {
  const lags = crews.map(async ({ work }) => `${work.group} ${await api.lag(work) ?? "–"}`);
  const { cell, times } = surge.dearest();
  return `published ${drivers.published}  acknowledged ${drivers.acknowledged}  ` +
    `lag: ${(await Promise.all(lags)).join(", ")}  ` +
    `surge ×${times.toFixed(1)} at ${cell}${surge.raining ? " (rain)" : ""}`;
}

async function main(): Promise<number> {
  const given = options(Deno.args);
  const folder = await Deno.makeTempDir({ prefix: "weir-replay-" });
  const gateway = given.urls.length > 0
    ? undefined
    : await startGateway({ store: `${folder}/weir.kv` });
  try {
    return await replay(given, gateway ? [gateway.url] : given.urls, folder) ? 0 : 1;
  } finally {
    await gateway?.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) await runProgram(main);
