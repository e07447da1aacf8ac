import { assert, assertEquals, assertRejects } from "@std/assert";
import { AssertionFailed } from "../../src/assert.ts";
import { EntryCache } from "../../src/log/entry_cache.ts";
import { EntryMissing, scanEntries } from "../../src/log/entry_scan.ts";
import { Lane } from "../../src/log/lane.ts";
import { Log } from "../../src/log/log.ts";
import { Reader } from "../../src/log/reader.ts";
import { keys } from "../../src/store/keys.ts";
import { Producers } from "../../src/producers.ts";
import type { Key, Mutation, Store } from "../../src/store/store.ts";
import { watchScans } from "../store/watch_scans.ts";
import { settled, testHost } from "../support/test_host.ts";
import {
  append,
  fixture,
  places,
  record,
  refused,
  stamp,
  stamped,
  valuesIn,
  valuesOf,
} from "./log_fixture.ts";

Deno.test("what was appended is read at its offset, from memory and after a restart", async () => {
  const { store, host, log, topic } = await fixture();
  const first = places(await append(log, topic, [record("a", { partition: 1 })]));
  const second = places(
    await append(log, topic, [record("b", { partition: 1 }), record("c", { partition: 2 })]),
  );
  assertEquals([first, second], [[[1, 0]], [[1, 1], [2, 0]]]);
  assertEquals(valuesIn(log.cached(topic, 1, 0) ?? [], 0), [[0, "a"], [1, "b"]]);

  const restarted = new Log(store, host, 0);
  const found = await restarted.topics.find("gps");
  assert(found);
  assertEquals(await valuesOf(restarted, found, 1, 0), [[0, "a"], [1, "b"]]);
  assertEquals(await valuesOf(restarted, found, 1, 1), [[1, "b"]]);
  assertEquals(places(await append(restarted, found, [record("d", { partition: 2 })])), [[2, 1]]);
});

Deno.test("what a start reads of a log's end is in memory for those who come back", async () => {
  const { store, host, log, topic } = await fixture();
  for (const value of ["a", "b", "c"]) await append(log, topic, [record(value, { partition: 1 })]);
  const restarted = new Log(store, host, 0);
  await restarted.open(topic);
  assertEquals(valuesIn(restarted.cached(topic, 1, 1) ?? [], 1), [[1, "b"], [2, "c"]]);
});

Deno.test("what waits while a write is under way shares the next one", async () => {
  const { host, log, topic } = await fixture();
  const writes = () => host.counts.get("store_writes_total") ?? 0;
  const before = writes();
  const results = Array.from({ length: 100 }, (_, i) => append(log, topic, [record(i)]));
  await Promise.all(results);
  assert(writes() - before < 5, `${writes() - before} writes for 100 appends`);
});

Deno.test("a repeat is stored once and gets its original offsets, also after a restart", async () => {
  const { store, host, log, topic } = await fixture();
  const producer = stamp(host, 0);
  const records = [record("x", { key: "k1" }), record("y", { key: "k2" })];
  const original = places(await append(log, topic, records, { producer }));
  const repeated = await append(log, topic, records, { producer });
  assertEquals([places(repeated), repeated.ok && repeated.duplicate], [original, true]);

  const restarted = new Log(store, host, 0);
  const again = await append(restarted, topic, records, { producer });
  assertEquals([places(again), again.ok && again.duplicate], [original, true]);
});

Deno.test("a repeat that comes while the first try is under way waits for it", async () => {
  const { host, log, topic } = await fixture();
  const producer = stamp(host, 3);
  const tries = [0, 1, 2].map(() => append(log, topic, [record("x")], { producer }));
  const results = await Promise.all(tries);
  assertEquals(results.map((result) => result.ok && result.duplicate), [false, true, true]);
  assertEquals(new Set(results.map((result) => JSON.stringify(places(result)))).size, 1);
});

Deno.test("once a partition holds a newer epoch, an older one is fenced there", async () => {
  const { host, log, topic } = await fixture();
  const old = { producer: stamp(host, 0, 10) };
  const records = [record("x", { partition: 0 })];
  const original = places(await append(log, topic, records, old));
  await append(log, topic, records, { producer: stamp(host, 0) });
  const later = { producer: { ...old.producer, sequence: 1 } };
  assertEquals(refused(await append(log, topic, records, later)), "producer_fenced");
  assertEquals(places(await append(log, topic, records, old)), original);
  const elsewhere = [record("x", { partition: 3 })];
  assertEquals(refused(await append(log, topic, elsewhere, later)), "stored");
});

Deno.test("a number below what the partition holds is too old, unless it is stored", async () => {
  const { host, log, topic } = await fixture();
  const records = [record("x", { partition: 0 })];
  for (let i = 10; i < 80; i++) await append(log, topic, records, { producer: stamp(host, i) });
  assertEquals(
    refused(await append(log, topic, records, { producer: stamp(host, 5) })),
    "sequence_too_old",
  );
  assertEquals(
    refused(await append(log, topic, records, { producer: stamp(host, 15) })),
    "sequence_too_old",
  );
  const known = await append(log, topic, records, { producer: stamp(host, 16) });
  assertEquals([places(known), known.ok && known.duplicate], [[[0, 6]], true]);
});

Deno.test("an epoch that was given out too long ago is unknown", async () => {
  const { host, log, topic } = await fixture();
  const day = 24 * 3_600_000;
  const producer = stamp(host, 0, day + 1);
  assertEquals(refused(await append(log, topic, [record(1)], { producer })), "producer_unknown");
});

Deno.test("what is queued behind a failed publish of its lane gets sequence_gap", async () => {
  const { host, log, topic } = await fixture();
  const lane = new Lane();
  const number = (sequence: number) => stamped(lane, stamp(host, sequence));
  const [bad, good] = [99, 1].map((partition) => [record("x", { partition })]);
  // They wait for the topic together.
  const results = await Promise.all([
    append(log, topic, bad!, number(0)),
    append(log, topic, good!, number(1)),
  ]);
  assertEquals(results.map(refused), ["unknown_partition", "sequence_gap"]);
  assertEquals(places(await append(log, topic, good!, number(0))), [[1, 0]]);
});

Deno.test("what is stored is told so, also behind a failed publish of its lane", async () => {
  const { store, host, log, topic } = await fixture();
  const [bad, good] = [99, 1].map((partition) => [record("x", { partition })]);
  const original = places(await append(log, topic, good!, stamped(new Lane(), stamp(host, 1))));
  const restarted = new Log(store, host, 0);
  const lane = new Lane();
  const [failed, repeated] = await Promise.all([
    append(restarted, topic, bad!, stamped(lane, stamp(host, 0))),
    append(restarted, topic, good!, stamped(lane, stamp(host, 1))),
  ]);
  assertEquals([refused(failed!), places(repeated!)], ["unknown_partition", original]);
});

Deno.test("a topic of 1,024 partitions takes a publish over 128 of them", async () => {
  const { log, topic } = await fixture(1_024);
  const spread = Array.from({ length: 128 }, (_, i) => record(i, { partition: i * 8 }));
  assertEquals(places(await append(log, topic, spread))?.length, 128);
  const wider = Array.from({ length: 129 }, (_, i) => record(i, { partition: i * 7 }));
  assertEquals(refused(await append(log, topic, wider)), "batch_too_large");
  assertEquals(await valuesOf(log, topic, 8, 0), [[0, 1]]);
});

Deno.test("a record of 256 KiB is stored over several values and read back", async () => {
  const { store, host, log, topic } = await fixture();
  const big = "x".repeat(256 * 1024 - 2);
  await append(log, topic, [record(big, { partition: 0 })]);
  const restarted = new Log(store, host, 0);
  assertEquals(await valuesOf(restarted, topic, 0, 0), [[0, big]]);
});

Deno.test("those who look for the same time in a stripe share one search", async () => {
  const { store, host, log, topic } = await fixture();
  const begun = host.clock.now();
  for (let i = 0; i < 50; i++) {
    await append(log, topic, [record(i, { partition: i % 4 })]);
    await host.clock.advance(100);
  }
  const scans = watchScans(store);
  const { stripes: [stripe] } = await log.open(topic);
  assert(stripe);
  const look = async (partitions: number[]) => {
    const reader = new Reader(store, new EntryCache(0), new EntryCache(0));
    scans.length = 0;
    const at = (partition: number) => reader.offsetAt(stripe, partition, begun + 2_000);
    return [await Promise.all(partitions.map(at)), scans.length] as const;
  };
  const [, alone] = await look([0]);
  assert(alone > 0);
  assertEquals(await look([0, 1, 2, 3]), [[5, 5, 5, 5], alone]);
});

Deno.test("an offset is found by time, and any offset by search", async () => {
  const { store, host, log, topic } = await fixture();
  const begun = host.clock.now();
  for (let i = 0; i < 50; i++) {
    await append(log, topic, [record(i, { partition: i % 4 })]);
    await host.clock.advance(100);
  }
  for (const reader of [log, new Log(store, host, 0)]) {
    assertEquals(await reader.offsetAt(topic, 0, begun + 2_000), 5);
    assertEquals(await reader.offsetAt(topic, 0, begun + 1_999), 5);
    assertEquals(await reader.offsetAt(topic, 0, begun - 1), 0);
    assertEquals(await reader.offsetAt(topic, 0, begun + 1_000_000), 13);
    for (let offset = 0; offset < 13; offset++) {
      assertEquals((await valuesOf(reader, topic, 0, offset))[0], [offset, offset * 4]);
    }
  }
});

Deno.test("a reader that goes on where it stopped does not read all that others have since", async () => {
  const { store, log, topic } = await fixture(2);
  const fill = async () => {
    const large = "x".repeat(250_000);
    for (let i = 0; i < 150; i++) await append(log, topic, [record(large, { partition: 0 })]);
  };
  await append(log, topic, [record("first", { partition: 1 })]);
  await fill();
  await append(log, topic, [record("second", { partition: 1 })]);
  await fill(); // so that it is not in memory
  assertEquals(await valuesOf(log, topic, 1, 0), [[0, "first"]]);
  const scans = watchScans(store);
  assertEquals(await valuesOf(log, topic, 1, 1), [[1, "second"]]);
  const values = scans.flat().length;
  assert(values < 300, `it reads ${values} values, of 600 in between`);
});

Deno.test("a reader that says in which entry it was does not search", async () => {
  const { store, host, log, topic } = await fixture(1);
  for (let i = 0; i < 50; i++) await append(log, topic, [record(2 * i), record(2 * i + 1)]);
  const scans = watchScans(store);
  const read = async (wanted: { near?: number }) => {
    const restarted = new Log(store, host, 0);
    const { stripes: [stripe] } = await restarted.open(topic);
    assert(stripe);
    const reader = new Reader(store, new EntryCache(0), new EntryCache(0));
    scans.length = 0;
    const { sections } = await reader.read(stripe, 0, { from: 61, bytesMax: 1, ...wanted });
    return [valuesIn(sections, 61)[0], scans.length] as const;
  };
  assertEquals(await read({}), [[61, 61], 8]);
  assertEquals(await read({ near: 30 }), [[61, 61], 2]);
});

Deno.test("to a deleted topic nothing is appended, and its successor starts anew", async () => {
  const { log, topic } = await fixture();
  await append(log, topic, [record(1, { partition: 0 })]);
  await log.topics.remove("gps");
  assertEquals(refused(await append(log, topic, [record(2)])), "unknown_topic");
  const { topic: successor } = await log.topics.create("gps", { partitions: 4 });
  assert(successor.id !== topic.id);
  assertEquals(places(await append(log, successor, [record(3, { partition: 0 })])), [[0, 0]]);
});

Deno.test("a gateway that lost a race learns what the winner wrote and tries again", async () => {
  const { store, host, log, topic } = await fixture();
  const other = new Log(store, host, 0);
  const producer = stamp(host, 0);
  await append(log, topic, [record("a", { partition: 0 })]);
  await append(other, topic, [record("b", { partition: 0 })], { producer });
  assertEquals(places(await append(log, topic, [record("c", { partition: 0 })])), [[0, 2]]);
  const repeated = await append(log, topic, [record("b", { partition: 0 })], { producer });
  assertEquals([places(repeated), repeated.ok && repeated.duplicate], [[[0, 1]], true]);
  await settled();
});

Deno.test("what escapes make larger than a write is refused, and what comes behind it is stored", async () => {
  const { log, topic } = await fixture();
  const control = "\u0001".repeat(120_000);
  const byKey = append(log, topic, [record(1, { key: control })]);
  const byHeader = append(log, topic, [record(1, { headers: { name: control } })]);
  const behind = append(log, topic, [record(2, { partition: 0 })]);
  assertEquals(
    [refused(await byKey), refused(await byHeader), refused(await behind)],
    ["batch_too_large", "batch_too_large", "stored"],
  );
});

async function damage(store: Store, mutation: Mutation): Promise<void> {
  const [entry] = await store.read([mutation.key]);
  assert(entry);
  await store.write({ checks: [entry], mutations: [mutation] });
}

/** What may be wrong in the store, and what then comes of a publish and of a read. */
const damages: readonly [
  what: string,
  mutation: (topicId: string, oldHead: Uint8Array) => Mutation,
  outcome: string,
][] = [
  ["an entry of another format", (id) => set(keys.entry(id, 0, 1, 0), [99]), "internal"],
  ["an entry of no bytes", (id) => set(keys.entry(id, 0, 1, 0), []), "internal"],
  ["a head of no bytes", (id) => set(keys.head(id, 0), []), "internal"],
  ["a head behind its entries", (id, oldHead) => set(keys.head(id, 0), oldHead), "internal"],
  // As of a topic that is being deleted: what is left of it is out of reach, and nothing is added.
  ["a head that is lost", (id) => remove(keys.head(id, 0)), "unknown_topic"],
  ["a trim point of no bytes", (id) => set(keys.trim(id, 0), []), "internal"],
  ["a trim point that is lost", (id) => remove(keys.trim(id, 0)), "unknown_topic"],
];

function set(key: Key, value: Iterable<number>): Mutation {
  return { type: "set", key, value: Uint8Array.from(value) };
}

function remove(key: Key): Mutation {
  return { type: "delete", key };
}

for (const [what, mutation, outcome] of damages) {
  Deno.test(`${what} refuses publishes to its topic and reads of it, and harms no other: ${outcome}`, async () => {
    const { store, host, log, topic } = await fixture(1);
    await append(log, topic, [record(0)]);
    const [head] = await store.read([keys.head(topic.id, 0)]);
    for (let i = 1; i < 3; i++) await append(log, topic, [record(i)]);
    const { topic: other } = await log.topics.create("other", { partitions: 1 });
    await damage(store, mutation(topic.id, head!.value!));
    const restarted = new Log(store, host, 0);
    for (let i = 0; i < 2; i++) {
      assertEquals(refused(await append(restarted, topic, [record("x")])), outcome);
      await assertRejects(() => restarted.read(topic, 0, { from: 0, bytesMax: 1 }));
      assertEquals(places(await append(restarted, other, [record("x")])), [[0, i]]);
    }
  });
}

Deno.test("an entry that is lost from the store is an error for who needs it, and looked for once", async () => {
  const { store, host, log, topic } = await fixture(1);
  for (let i = 0; i < 3; i++) await append(log, topic, [record(i)]);
  await damage(store, { type: "delete", key: keys.entry(topic.id, 0, 1, 0) });
  const restarted = new Log(store, host, 0);
  assertEquals(refused(await append(restarted, topic, [record("x")])), "internal");
  await assertRejects(() => restarted.read(topic, 0, { from: 1, bytesMax: 1 }), AssertionFailed);
});

Deno.test("what a deletion has left of an entry is not taken for the entry", async () => {
  const { store, log, topic } = await fixture(1);
  await append(log, topic, [record("x".repeat(150_000))]);
  const stripe = { topic, index: 0, partitions: 1 };
  const scan = () => scanEntries(store, stripe, 0, 1, 1);
  assertEquals((await scan())[0]?.chunks, 3);
  await damage(store, remove(keys.entry(topic.id, 0, 0, 0)));
  await assertRejects(scan, EntryMissing);
});

Deno.test("with a clock that begins in 1970 all works; once it is right, epochs of then are unknown", async () => {
  const host = testHost(1, 0);
  const { store, log, topic } = await fixture(1, undefined, host);
  const producers = new Producers(store, host);
  const producer = { ...await producers.init("me", "meter"), sequence: 0 };
  assertEquals(producer.epoch, 0);
  const repeat = async (log: Log) => {
    const result = await append(log, topic, [record("then")], { producer });
    return result.ok ? result.duplicate : result.error.code;
  };
  assertEquals([await repeat(log), await repeat(log)], [false, true]);
  const restarted = new Log(store, host, 0);
  assertEquals(await repeat(restarted), true);
  await host.clock.advance(1_764_000_000_000);
  assertEquals(await repeat(restarted), "producer_unknown");
  const next = { ...await producers.init("me", "meter"), sequence: 0 };
  assertEquals([next.id, next.epoch], [producer.id, host.clock.now()]);
  await append(restarted, topic, [record("now")], { producer: next });
  assertEquals(await restarted.offsetAt(topic, 0, host.clock.now()), 1);
  assertEquals(await valuesOf(restarted, topic, 0, 0), [[0, "then"], [1, "now"]]);
});

Deno.test("with a clock that falls back to 1970 the log goes on at the time that it has reached", async () => {
  const { store, host: before, log, topic } = await fixture(1);
  await append(log, topic, [record("before")]);
  const host = testHost(2, 0);
  const restarted = new Log(store, host, 0);
  const producer = { ...await new Producers(store, host).init("me", undefined), sequence: 0 };
  const results = [];
  for (let i = 0; i < 2; i++) {
    results.push(await append(restarted, topic, [record("after")], { producer }));
  }
  assertEquals(results.map((result) => result.ok && result.duplicate), [false, true]);
  const { sections } = await restarted.read(topic, 0, { from: 0, bytesMax: 1 << 20 });
  assertEquals(sections.map(({ time }) => time), [before.clock.now(), before.clock.now()]);
});
