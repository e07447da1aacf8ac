/**
 * Driver tracking on real input: `deno task replay FILE [--speed 60] [--drivers 1000] [--url URL]`.
 *
 * Real taxi fixes go through a gateway, one record a fix, by idempotent producers, while three groups
 * read them at their own pace: fare meter, surge, archive. Consumers are killed and started all the
 * time. It ends with a summary counted from the records, and with an error unless nothing is lost
 * and nothing is there twice.
 */

import { parseArgs } from "node:util";
import { Archive } from "./archive.ts";
import { Crew } from "./crew.ts";
import { Drivers } from "./drivers.ts";
import { FareMeter } from "./fare_meter.ts";
import { readShifts, schedule } from "./fixes.ts";
import { isWhole, summarise } from "./summary.ts";
import { Surge } from "./surge.ts";
import { startGateway } from "./gateway_process.ts";

const PARTITIONS = 8;
const MEMBERS = 3;
const SOCKETS = 8;
const REPLACE_EVERY_MS = 1_500;
const RAIN_EVERY_MS = 5_000;
const DRAIN_MS = 120_000;

const USAGE = "Usage: deno task replay FILE [--speed 60] [--drivers 1000] [--url http://HOST:PORT]";

interface Options {
  readonly file: string;
  readonly speed: number;
  readonly drivers: number;
  readonly url: string | undefined;
}

function options(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      speed: { type: "string", default: "60" },
      drivers: { type: "string", default: "1000" },
      url: { type: "string" },
    },
  });
  const [file] = positionals;
  const speed = Number(values.speed);
  const drivers = Number(values.drivers);
  if (!file || !(speed > 0) || !Number.isInteger(drivers) || drivers < 1) throw new Error(USAGE);
  return { file, speed, drivers, url: values.url };
}

interface GroupLag {
  readonly [group: string]: number;
}

async function lags(url: string, crews: readonly Crew[]): Promise<GroupLag> {
  const entries = crews.map(async ({ work: { group } }) => {
    const response = await fetch(`${url}/v1/groups/${group}`);
    const { offsets = [] } = response.ok ? await response.json() : {};
    const lag = offsets.reduce((sum: number, offset: { lag: number }) => sum + offset.lag, 0);
    return [group, lag] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Runs `each` every so often until it is stopped; never twice at once. */
function repeatedly(everyMs: number, each: () => Promise<void> | void): () => Promise<void> {
  let running = true;
  const loop = (async () => {
    while (running) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      if (running) await each();
    }
  })();
  return () => {
    running = false;
    return loop;
  };
}

async function replay({ file, speed, drivers: count }: Options, url: string, folder: string) {
  const shifts = await readShifts(file, count);
  const due = schedule(shifts);
  const run = Date.now().toString(36);
  const topics = { fixes: `fixes-${run}`, rides: `rides-${run}`, partitions: PARTITIONS };
  for (const topic of [topics.fixes, topics.rides]) {
    const body = JSON.stringify({ partitions: PARTITIONS });
    const made = await fetch(`${url}/v1/topics/${topic}`, { method: "PUT", body });
    if (!made.ok) throw new Error(`Cannot make topic ${topic}: ${await made.text()}`);
  }
  const seconds = (due.at(-1)?.afterS ?? 0) / speed;
  const pace = due.length / Math.max(1, seconds);
  print(
    `${due.length} fixes of ${shifts.length} drivers in ${Math.ceil(seconds)} s; ` +
      `the archive's database takes ${Math.ceil(pace / 10)} rows a second while they drive`,
  );

  const drivers = await Drivers.connect(url, topics.fixes, SOCKETS);
  const archive = new Archive(topics.fixes, `${folder}/archive.sqlite3`);
  archive.rowsPerSecond = Math.ceil(pace / 10);
  const surge = new Surge(topics.fixes);
  const meter = new FareMeter(url, topics.fixes, topics.rides);
  const crews = [meter, surge, archive].map((work) => new Crew(url, work));
  for (const crew of crews) await crew.start(MEMBERS);

  let turn = 0;
  const stops = [
    repeatedly(REPLACE_EVERY_MS, () => crews[turn++ % crews.length]?.replaceOne()),
    repeatedly(RAIN_EVERY_MS, () => void (surge.raining = !surge.raining)),
    repeatedly(1_000, async () => {
      const lag = Object.entries(await lags(url, crews)).map(([name, n]) => `${name} ${n}`);
      const { cell, times } = surge.dearest();
      print(
        `published ${drivers.published}  acknowledged ${drivers.acknowledged}  lag: ` +
          `${lag.join(", ")}  surge ×${times.toFixed(1)} at ${cell}${
            surge.raining ? " (rain)" : ""
          }`,
      );
    }),
  ];
  await drivers.drive(due, speed);
  await until(() => drivers.done, "acknowledgements");
  archive.rowsPerSecond = undefined;
  await until(
    async () => Object.values(await lags(url, crews)).every((lag) => lag === 0),
    "the groups to catch up",
  );
  await Promise.all(stops.map((stop) => stop()));
  const summary = await summarise(url, topics, shifts, archive);
  const [killed, started] = [sum(crews, "killed"), sum(crews, "started")];
  for (const crew of crews) crew.stop();
  drivers.close();
  archive.close();
  return { summary, killed, started, acknowledged: drivers.acknowledged };
}

function sum(crews: readonly Crew[], field: "killed" | "started"): number {
  return crews.reduce((total, crew) => total + crew[field], 0);
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`Waited ${DRAIN_MS / 1_000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function main(): Promise<number> {
  const given = options(Deno.args);
  const folder = await Deno.makeTempDir({ prefix: "weir-replay-" });
  const gateway = given.url ? undefined : await startGateway(`${folder}/weir.kv`);
  try {
    const url = (given.url ?? gateway?.url ?? "").replace(/\/$/, "");
    const { summary, killed, started, acknowledged } = await replay(given, url, folder);
    print(
      `acknowledged ${acknowledged}  lost ${summary.lost}  duplicated ${summary.duplicated}  ` +
        `rides ${summary.rides} of ${summary.ridesInFile}  fares $${summary.fares}  ` +
        `rows ${summary.rows}  consumers started ${started}, killed ${killed}`,
    );
    return isWhole(summary) ? 0 : 1;
  } finally {
    await gateway?.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
