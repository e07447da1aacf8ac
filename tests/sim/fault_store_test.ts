import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { STORE } from "../../src/limits.ts";
import type { Write, WriteResult } from "../../src/store/store.ts";
import { type Fault, FAULTS, FaultyStore } from "./fault_store.ts";
import { AWAKE, World } from "./world.ts";

const KEY = ["a"];
const MUTATION = { type: "set", key: KEY, value: Uint8Array.of(1) } as const;
const WRITE: Write = { checks: [{ key: KEY, version: null }], mutations: [MUTATION] };
const NONE: FaultyStore["fates"] = {
  unknownFoundStored: 0,
  unknownFoundNotStored: 0,
  lateWriteRefused: 0,
  lateWriteStored: 0,
  writeMinutesLate: 0,
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

const stalls: readonly [ms: number, Seen & { reads: boolean }][] = [
  [1_000, { outcome: "stored", then: true, ever: true, reads: true }],
  [30_000, { outcome: "unknown", then: false, ever: true, reads: false }],
];
for (const [ms, expected] of stalls) {
  Deno.test(`a write sent while the store stalls for ${ms} ms is stored after it`, async () => {
    const world = new World(1);
    const store = new FaultyStore(world);
    const link = store.link(AWAKE);
    const isStored = () => store.stored.read([KEY]).then(([entry]) => entry?.version !== null);
    let seen: Seen | undefined;
    let reads: boolean | undefined;
    store.stall(ms);
    assertEquals(store.stalledMs, ms);
    link.write(WRITE).then(async ({ outcome }) => {
      assert(world.now <= STORE.callMs + 1e-6, `answered after ${world.now} ms`);
      seen = { outcome, then: await isStored(), ever: false };
    });
    link.read([KEY]).then(() => reads = true, () => reads = false);
    await world.run(ms - 1);
    assert(!await isStored());
    await world.run(LATEST_MS);
    assertEquals({ ...seen, ever: await isStored(), reads }, expected);
  });
}

Deno.test("a slow read tells what was stored when it was sent, or fails in time", async () => {
  const told = new Set<unknown>();
  for (let seed = 1; seed <= 30; seed++) {
    const world = new World(seed);
    const store = new FaultyStore(world);
    store.odds = { ...FAULTS, slowRead: 1 };
    const begun = store.link(AWAKE).read([KEY]);
    begun.then(([entry]) => told.add(entry?.version === null), () => told.add("failed"))
      .then(() => assert(world.now >= 100 && world.now <= STORE.callMs + 3, `${world.now} ms`));
    world.after(50, () => store.stored.write(WRITE));
    await world.run(LATEST_MS);
  }
  assertEquals(told, new Set([true, false, "failed"]));
});

Deno.test("writes may be ten minutes late, but most are not", async () => {
  const world = new World(1);
  const store = new FaultyStore(world, { latestMs: 600_000 });
  const ms = Array.from({ length: 1_000 }, () => store.lateness());
  assert(Math.min(...ms) < 200 && Math.max(...ms) > 500_000 && Math.max(...ms) <= 600_000);
  const late = ms.filter((one) => one > 60_000).length;
  assert(late > 200 && late < 320, `${late} of 1000`);
  assertEquals(store.fates.writeMinutesLate, late);
});

const doubts: readonly [Fault, expected: FaultyStore["fates"]][] = [
  ["lostReply", { ...NONE, unknownFoundStored: 1 }],
  ["falseConflict", { ...NONE, unknownFoundStored: 1 }],
  ["lostRequest", { ...NONE, unknownFoundNotStored: 1 }],
];
for (const [fault, expected] of doubts) {
  Deno.test(`what became of a write after ${fault} counts when it is found out`, async () => {
    const world = new World(1);
    const store = new FaultyStore(world);
    const link = store.link(AWAKE);
    const another: Write = { ...WRITE, mutations: [{ ...MUTATION, value: Uint8Array.of(2) }] };
    store.odds = { ...FAULTS, [fault]: 1 };
    link.write(WRITE);
    await world.run(10_000);
    assertEquals(store.fates, NONE);
    store.odds = FAULTS;
    await store.stored.write(another); // refused, unless the first was lost
    link.read([KEY]);
    await world.run(20_000);
    assertEquals(store.fates, expected);
  });
}

Deno.test("that a write is stored when it is sent again tells that it was not before", async () => {
  const world = new World(1);
  const store = new FaultyStore(world);
  const link = store.link(AWAKE);
  store.odds = { ...FAULTS, throwBefore: 1 };
  link.write(WRITE);
  await world.run(10_000);
  store.odds = FAULTS;
  link.read([KEY]); // which tells nothing: the check still holds
  await world.run(20_000);
  assertEquals(store.fates, NONE);
  link.write(WRITE);
  await world.run(30_000);
  assertEquals(store.fates, { ...NONE, unknownFoundNotStored: 1 });
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
