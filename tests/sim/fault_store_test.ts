import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { STORE } from "../../src/limits.ts";
import type { Write, WriteResult } from "../../src/store/store.ts";
import { type Fault, FAULTS, FaultyStore } from "./fault_store.ts";
import { AWAKE, World } from "./world.ts";

const KEY = ["a"];
const WRITE: Write = {
  checks: [{ key: KEY, version: null }],
  mutations: [{ type: "set", key: KEY, value: Uint8Array.of(1) }],
};
const LATEST_MS = 60_000;

interface Seen {
  readonly outcome: WriteResult["outcome"] | "none";
  /** Whether it was stored when the answer came, and in the end. */
  readonly then: boolean;
  readonly ever: boolean;
}

/** The outcome of one write when this fault is certain to happen. */
async function strike(fault: Fault | undefined, seed = 1): Promise<Seen & { atMs: number }> {
  const world = new World(seed);
  const store = new FaultyStore(world);
  if (fault) store.odds = { ...FAULTS, [fault]: 1 };
  const isStored = async () => (await store.stored.read([KEY]))[0]?.version !== null;
  let seen = { outcome: "none" as Seen["outcome"], then: false, atMs: Infinity };
  store.link(AWAKE).write(WRITE).then(async ({ outcome }) => {
    const atMs = world.now;
    seen = { outcome, then: await isStored(), atMs };
  });
  await world.run(LATEST_MS);
  const struck = Object.entries(store.struck).filter(([, times]) => times > 0);
  assertEquals(struck, fault ? [[fault, 1]] : []);
  return { ...seen, ever: await isStored() };
}

const writes: readonly [Fault | undefined, Seen][] = [
  [undefined, { outcome: "stored", then: true, ever: true }],
  ["lostRequest", { outcome: "unknown", then: false, ever: false }],
  ["lostReply", { outcome: "unknown", then: true, ever: true }],
  ["late", { outcome: "unknown", then: false, ever: true }],
  ["duplicate", { outcome: "stored", then: true, ever: true }],
  ["throwBefore", { outcome: "unknown", then: false, ever: false }],
  ["throwAfter", { outcome: "unknown", then: true, ever: true }],
  ["falseConflict", { outcome: "conflict", then: true, ever: true }],
  ["slow", { outcome: "stored", then: true, ever: true }],
];
for (const [fault, expected] of writes) {
  Deno.test(
    `a write that meets ${fault ?? "no fault"} is ${expected.outcome}, and ${
      expected.ever ? expected.then ? "stored" : "stored later" : "never stored"
    }`,
    async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const { atMs, ...seen } = await strike(fault, seed);
        assertEquals(seen, expected);
        assert(atMs <= STORE.callMs + 1e-6, `answered after ${atMs} ms`);
      }
    },
  );
}

Deno.test("a write that arrives twice is stored once, and both arrivals are traced", async () => {
  const world = new World(1);
  const store = new FaultyStore(world);
  store.odds = { ...FAULTS, duplicate: 1 };
  store.link(AWAKE).write(WRITE);
  await world.run(LATEST_MS);
  const outcomes = world.recent.map((line) => line.split(": ")[1]);
  assertEquals(outcomes, ["stored", "conflict"]);
});

Deno.test("a read that fails is unavailable, and one that does not is what is stored", async () => {
  const world = new World(1);
  const store = new FaultyStore(world);
  const link = store.link(AWAKE);
  store.odds = { ...FAULTS, readError: 1 };
  const failing = Promise.all([
    assertRejects(() => link.read([KEY]), GatewayError),
    assertRejects(() => link.scan({ prefix: [], limit: 1 }), GatewayError),
  ]);
  await world.run(100);
  assertEquals((await failing).map(({ code }) => code), ["unavailable", "unavailable"]);
  store.odds = { ...FAULTS };
  const reading = link.read([KEY]);
  await world.run(200);
  assertEquals(await reading, [{ key: KEY, value: undefined, version: null }]);
  assertEquals(store.struck.readError, 2);
});

Deno.test("who is dead hears nothing, though what it sent arrives", async () => {
  const world = new World(1);
  const store = new FaultyStore(world);
  let dead = false;
  let heard = 0;
  const link = store.link({ act: (run) => dead || run(), isCut: false });
  link.write(WRITE).then(() => heard++);
  link.read([KEY]).then(() => heard++);
  dead = true;
  await world.run(LATEST_MS);
  assertEquals(heard, 0);
  assert((await store.stored.read([KEY]))[0]?.value);
});
