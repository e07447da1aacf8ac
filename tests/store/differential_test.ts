/**
 * All stores are one: any list of operations has the same outcomes in Deno KV, in `denokv` and behind
 * the simulation's link, when nothing fails, as in memory. Where they are not, what is printed is the
 * seed, and the shortest list that shows it.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { openDenoKv } from "../../src/store/deno_kv.ts";
import { openKvConnect } from "../../src/store/kv_connect.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { FaultyStore } from "../sim/fault_store.ts";
import { AWAKE, World } from "../sim/world.ts";
import { Denokv, denokvTest } from "../support/denokv.ts";
import { atTheLimits, type Operation, operation, Subject } from "./operations.ts";

const lists = fc.array(operation, { minLength: 1, maxLength: 60, size: "max" });

let runs = 0;

/** Holds that it does as the one in memory. */
async function compare(store: Store, operations: readonly Operation[]): Promise<void> {
  const root = ["run", runs++];
  const [known, other] = [new Subject(new MemoryStore(), root), new Subject(store, root)];
  for (const [i, operation] of operations.entries()) {
    const [wanted, found] = [await known.outcome(operation), await other.outcome(operation)];
    assertEquals(found, wanted, `operation ${i} of ${operations.length}, a ${operation.type}`);
  }
}

/** The same for so many lists. */
async function compareAny(store: Store, numRuns: number): Promise<void> {
  const same = fc.asyncProperty(lists, (operations) => compare(store, operations));
  await fc.assert(same, { numRuns });
}

Deno.test("Deno KV in a file does as the store in memory does", async () => {
  const folder = await Deno.makeTempDir({ prefix: "weir_store_" });
  const store = await openDenoKv(`${folder}/weir.kv`);
  try {
    await compare(store, atTheLimits);
    await compareAny(store, 50);
  } finally {
    store.close();
    await Deno.remove(folder, { recursive: true });
  }
});

denokvTest("denokv does as the store in memory does", async () => {
  await using denokv = await Denokv.start();
  const store = await openKvConnect(denokv.url, denokv.token);
  try {
    await compare(store, atTheLimits);
    await compareAny(store, 30);
  } finally {
    store.close();
  }
});

Deno.test("the simulation's link does as the store in memory does, when nothing fails", async () => {
  const world = new World(1);
  const link = new FaultyStore(world).link(AWAKE);
  /** Lets the world go on until it has answered. */
  const answered = async <T>(answer: Promise<T>): Promise<T> => {
    answer.catch(() => {});
    await world.run(world.now + 1_000);
    return await answer;
  };
  const store: Store = {
    shared: false,
    read: (keys) => answered(link.read(keys)),
    scan: (range) => answered(link.scan(range)),
    write: (write) => answered(link.write(write)),
    watch: (keys, changed) => link.watch(keys, changed),
    close: () => link.close(),
  };
  await compareAny(store, 150);
});
