/** The store alone, as a baseline: the same embedded Deno KV, written to without a gateway. */

import { pause } from "../../src/demo/pause.ts";
import { ascending } from "./figures.ts";
import type { Figure } from "./loads.ts";
import { cpuSeconds } from "./processes.ts";

/**
 * Records per second in appends of `records` records of 120 bytes, one value each, one at a time.
 */
export async function rawAppends(records: number, ms: number): Promise<Figure> {
  return await withStore(async (kv) => {
    const value = new Uint8Array(Math.min(65_000, records * 120)).fill(97);
    let appended = 0;
    const cpu = cpuSeconds(Deno.pid);
    const begun = performance.now();
    while (performance.now() - begun < ms) {
      await kv.atomic().set(["l", appended], value).set(["h"], appended).commit();
      appended += records;
    }
    return {
      perSecond: appended / ((performance.now() - begun) / 1_000),
      perCpuSecond: appended / Math.max(0.01, cpuSeconds(Deno.pid) - cpu),
    };
  });
}

/** Milliseconds of single writes of 200 bytes, sorted. */
export function rawWrites(rounds: number): Promise<number[]> {
  return lone(rounds, (kv, i) => kv.set(["l", i], new Uint8Array(200)));
}

/** The same of what an append writes: 200 bytes, and a head, if it is as the last one left it. */
export function headedWrites(rounds: number): Promise<number[]> {
  let versionstamp: string | null = null;
  return lone(rounds, async (kv, i) => {
    const append = kv.atomic().check({ key: ["h"], versionstamp });
    const result = await append.set(["h"], new Uint8Array(60)).set(["l", i], new Uint8Array(200))
      .commit();
    if (!result.ok) throw new Error("nobody else writes here");
    versionstamp = result.versionstamp;
  });
}

async function lone(
  rounds: number,
  write: (kv: Deno.Kv, i: number) => Promise<unknown>,
): Promise<number[]> {
  return await withStore(async (kv) => {
    const taken: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const begun = performance.now();
      await write(kv, i);
      taken.push(performance.now() - begun);
      await pause(1);
    }
    return ascending(taken);
  });
}

async function withStore<T>(use: (kv: Deno.Kv) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "weir-bench-" });
  const kv = await Deno.openKv(`${folder}/raw.kv`);
  try {
    return await use(kv);
  } finally {
    kv.close();
    await Deno.remove(folder, { recursive: true });
  }
}
