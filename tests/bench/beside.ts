/**
 * How live publishing is affected by readers that catch up, and by retention that deletes old
 * records.
 */

import { readFrames } from "./catch_up.ts";
import { quantile } from "./figures.ts";
import { type Figure, withServer } from "./loads.ts";
import { fill, publishes } from "./publishing.ts";
import type { Bench, Figures } from "./row.ts";
import type { Server } from "./processes.ts";

const OLD = "old";
const RECORDS = 1_000_000;
const READERS = 4;
/** Far below the maximum, so that a disturbance shows. */
const LOAD = { sockets: 64, window: 64, records: 1, perSecond: 5_000 };
/** Retention acts within 10 s. */
const RETENTION_MS = 12_000;
const KEPT_BYTES = 1 << 20;

/** Starts a disturbance; the function that it returns waits until that is over. */
type Disturb = (server: Server) => Promise<() => Promise<void>>;

export async function besideOthers(bench: Bench): Promise<Figures> {
  const records = bench.isQuick ? RECORDS / 10 : RECORDS;
  const ms = bench.isQuick ? bench.ms : Math.max(bench.ms, RETENTION_MS);
  const run = (disturb: Disturb) =>
    withServer(bench.gateway(), async (server) => {
      await fill(server, { topic: OLD, total: records });
      const stop = await disturb(server);
      const figure = await publishes(server, { ...LOAD, ms });
      await stop();
      return figure;
    });
  const undisturbed = await run(async () => async () => {});
  const beside = await run((server) => readAgainAndAgain(server, records));
  const clearing = await run(clear);
  return {
    ...latencies("undisturbed", undisturbed),
    ...latencies("beside 4 readers that catch up", beside),
    ...latencies("beside retention", clearing),
    "p99 beside catch-up over undisturbed": p99(beside) / p99(undisturbed),
    "p99 beside retention over undisturbed": p99(clearing) / p99(undisturbed),
  };
}

function latencies(where: string, figure: Figure): Figures {
  return {
    [`publish → ack at 5,000/s, ${where}, p50 ms`]: quantile(figure.latencies ?? [], 0.5),
    [`publish → ack at 5,000/s, ${where}, p99 ms`]: p99(figure),
    [`  cores of the driver, ${where}`]: figure.driverCores ?? NaN,
  };
}

function p99(figure: Figure): number {
  return quantile(figure.latencies ?? [], 0.99);
}

async function readAgainAndAgain(server: Server, records: number): Promise<() => Promise<void>> {
  let running = true;
  const readers = Array.from({ length: READERS }, async () => {
    while (running) await readFrames(server, OLD, { from: "earliest", records });
  });
  return async () => {
    running = false;
    await Promise.all(readers);
  };
}

async function clear(server: Server): Promise<() => Promise<void>> {
  const url = `http://127.0.0.1:${server.port}/v1/topics/${OLD}`;
  const body = JSON.stringify({ partitions: 8, retentionBytes: KEPT_BYTES });
  const set = await fetch(url, { method: "PUT", body });
  if (!set.ok) throw new Error(`Cannot set the retention: ${await set.text()}`);
  await set.body?.cancel();
  return async () => {};
}
