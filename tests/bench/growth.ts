/** The cost of things at scale: many records in the store, many topics, many members of a group. */

import { apiOf, lastOf, readFrames } from "./catch_up.ts";
import { makeMany, withServer } from "./loads.ts";
import { Crowd } from "./members.ts";
import { fill, publishes } from "./publishing.ts";
import type { Bench, Figures } from "./row.ts";
import type { Server } from "./processes.ts";

const RECORDS = 10_000_000;
const TOPICS = 1_000;
const PARTITIONS = 1_000;
const MEMBERS = 1_000;
/** Records to read back, at the end of the log. */
const READ = 200_000;
const LOAD = { sockets: 16, window: 4, records: 100 };

export async function growth(bench: Bench): Promise<Figures> {
  const folder = await Deno.makeTempDir({ prefix: "weir-growth-" });
  const env = { WEIR_STORE: `${folder}/weir.kv` };
  try {
    const empty = await atStore(bench, env);
    await withServer(
      bench.gateway(env),
      (server) => fill(server, { total: bench.isQuick ? RECORDS / 10 : RECORDS }),
    );
    const full = await atStore(bench, env);
    return {
      ...figuresOf("empty", empty),
      ...figuresOf("full", full),
      "append, full over empty": full.append / empty.append,
      "read, full over empty": full.read / empty.read,
      "start-up, full over empty": full.startMs / empty.startMs,
      ...await withManyTopics(bench, env),
      ...await withManyMembers(bench),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Stand {
  readonly startMs: number;
  /** Records per second. */
  readonly append: number;
  readonly read: number;
}

function figuresOf(name: string, { startMs, append, read }: Stand): Figures {
  return {
    [`start-up, ${name}, ms`]: startMs,
    [`append, ${name}, records/s`]: append,
    [`read the last, ${name}, records/s`]: read,
  };
}

async function atStore(bench: Bench, env: Readonly<Record<string, string>>): Promise<Stand> {
  return await started(bench, env, async (server, startMs) => {
    const { perSecond: append } = await publishes(server, { ...LOAD, ms: bench.ms });
    // The store that was empty must have as much to read.
    await fill(server, { total: READ });
    const start = await lastOf(server, "gps", READ);
    const begun = performance.now();
    await readFrames(server, "gps", start);
    return { startMs, append, read: start.records / (performance.now() - begun) * 1_000 };
  });
}

/** Starts the gateway, and measures how long it takes until it listens. */
async function started<T>(
  bench: Bench,
  env: Readonly<Record<string, string>>,
  use: (server: Server, startMs: number) => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  return await withServer(bench.gateway(env), (server) => use(server, performance.now() - begun));
}

async function withManyTopics(
  bench: Bench,
  env: Readonly<Record<string, string>>,
): Promise<Figures> {
  const madeMs = await withServer(bench.gateway(env), async (server) => {
    const begun = performance.now();
    await makeMany(TOPICS, (number) => apiOf(server).makeTopic(`topic${number}`, 8));
    return performance.now() - begun;
  });
  return await started(bench, env, async (server, startMs) => {
    const one = await publishes(server, { ...LOAD, ms: bench.ms });
    const all = await publishes(server, {
      ...LOAD,
      ms: bench.ms,
      topic: (n) => `topic${n * 7 % TOPICS}`,
    });
    return {
      "1,000 topics are made, ms": madeMs,
      "start-up with them, ms": startMs,
      "append to another topic, records/s": one.perSecond,
      "append over all of them, records/s": all.perSecond,
      "resident memory, MiB": server.rssBytes() / (1 << 20),
    };
  });
}

async function withManyMembers({ gateway }: Bench): Promise<Figures> {
  return await withServer(gateway(), async (server) => {
    await apiOf(server).makeTopic("wide", PARTITIONS);
    const crowd = new Crowd(server, "wide");
    const even = () => crowd.isEven(PARTITIONS);
    const begun = performance.now();
    await crowd.join(MEMBERS);
    await crowd.until(even);
    const joinedMs = performance.now() - begun;
    crowd.die(1);
    const oneGoneMs = await crowd.until(even);
    const joining = performance.now();
    await crowd.join(1);
    await crowd.until(even);
    const oneMoreMs = performance.now() - joining;
    crowd.die(MEMBERS / 10);
    const manyGoneMs = await crowd.until(even);
    crowd.close();
    return {
      "1,000 members over 1,000 partitions join, ms": joinedMs,
      "one dies: even again after ms": oneGoneMs,
      "one joins: even again after ms": oneMoreMs,
      "100 die at once: even again after ms": manyGoneMs,
    };
  });
}
