import { assert, assertEquals } from "@std/assert";
import { LOG } from "../../src/limits.ts";
import type { AppendResult } from "../../src/log/append.ts";
import { Log } from "../../src/log/log.ts";
import { takeSnapshot } from "../../src/log/snapshots.ts";
import { Upkeep } from "../../src/log/upkeep.ts";
import { keys } from "../../src/store/keys.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Key, Write } from "../../src/store/store.ts";
import type { ProducerStamp, Topic } from "../../src/types.ts";
import { FatedStore } from "../store/fated_store.ts";
import { watchScans } from "../store/watch_scans.ts";
import { type TestHost, testHost } from "../support/test_host.ts";

const PRODUCER = "01KB0000000000000000000000";
const KILOBYTE = new TextEncoder().encode(JSON.stringify("x".repeat(1_022)));

interface Fixture {
  readonly store: MemoryStore;
  readonly host: TestHost;
  readonly log: Log;
  readonly upkeep: Upkeep;
}

function gateway(store: MemoryStore, host: TestHost): Fixture {
  const log = new Log(store, host, 0);
  return { store, host, log, upkeep: new Upkeep(store, host, log) };
}

function append(
  { log, host }: Fixture,
  topic: Topic,
  sequence: number,
  count = 1,
  partition = 0,
): Promise<AppendResult> {
  const producer: ProducerStamp = { id: PRODUCER, epoch: host.clock.now(), sequence };
  const record = { source: KILOBYTE, from: 0, to: KILOBYTE.length, partition };
  const records = new Array(count).fill(record);
  return new Promise((done) => log.append({ parts: [{ topic, records, producer }], done }));
}

/** Lets upkeep do all that is due. */
async function pass({ host, upkeep }: Fixture): Promise<void> {
  upkeep.tick(host.clock.monotonic());
  await host.clock.advance(LOG.retentionEveryMs);
}

async function keysUnder(store: MemoryStore, prefix: Key): Promise<number> {
  return (await store.scan({ prefix, limit: 1_000 })).length;
}

Deno.test("retention by bytes keeps the newest, and what is known of producers outlives it", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  const spec = { partitions: 1, retentionBytes: 10_000 };
  const { topic } = await log.topics.create("t", spec);
  const epoch = host.clock.now();
  for (let sequence = 0; sequence < 40; sequence++) await append(fixture, topic, sequence);
  await pass(fixture);
  const { start, next, bytes } = await log.bounds(topic, 0);
  assertEquals(next, 40);
  assert(bytes <= 10_000 && bytes > 8_000, `${bytes} bytes are kept`);
  assert(start > 25, `the log begins at ${start}`);

  const restarted = gateway(store, host);
  const repeated = await new Promise<AppendResult>((done) =>
    restarted.log.append({
      parts: [{
        topic,
        records: [{ source: KILOBYTE, from: 0, to: KILOBYTE.length, partition: 0 }],
        producer: { id: PRODUCER, epoch, sequence: 3 },
      }],
      done,
    })
  );
  assert(repeated.ok && repeated.duplicate);
  assertEquals(repeated.offsets, [[[0, 3]]]);
});

Deno.test("retention by bytes keeps the newest of all stripes", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, host } = fixture;
  const spec = { partitions: 32, retentionBytes: 100_000 };
  const { topic } = await log.topics.create("t", spec);
  // A record a minute in a partition of each stripe, then many at once in one of them.
  for (let i = 0; i < 50; i++) {
    await append(fixture, topic, i, 1, 0);
    await append(fixture, topic, i, 1, 16);
    await host.clock.advance(60_000);
  }
  for (let i = 50; i < 100; i++) await append(fixture, topic, i, 1, 16);
  for (let i = 0; i < 10; i++) await pass(fixture);
  const [quiet, busy] = [await log.bounds(topic, 0), await log.bounds(topic, 16)];
  assert(quiet.bytes + busy.bytes <= 100_000, "as much as is kept");
  assert(Math.abs(quiet.start - busy.start) <= 1, `from ${quiet.start} and ${busy.start} on`);
});

Deno.test("a topic of which much is to go does not hold up the retention of others", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, host } = fixture;
  const { topic } = await log.topics.create("large", { partitions: 32 });
  // Its entries lie too far apart for one write to delete several.
  for (let i = 0; i < 1_000; i++) {
    await append(fixture, topic, i, 1, i % 2 * 16);
    await host.clock.advance(2 * LOG.retentionApartMs);
  }
  const small = await log.topics.create("small", { partitions: 1, retentionMs: 1_000 });
  await append(fixture, small.topic, 0);
  await host.clock.advance(2_000);
  await log.topics.create("large", { partitions: 32, retentionBytes: 1_000 });
  for (let i = 0; i < 2; i++) await pass(fixture);
  assertEquals((await log.bounds(small.topic, 0)).start, 1);
  for (let i = 0; i < 100; i++) await pass(fixture);
  assert((await log.bounds(topic, 0)).start > 490, "the rest goes in later passes");
});

Deno.test("retention by age goes by the time of the append", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1, retentionMs: 60_000 });
  for (let sequence = 0; sequence < 5; sequence++) await append(fixture, topic, sequence);
  await host.clock.advance(50_000);
  await append(fixture, topic, 5);
  await pass(fixture);
  assertEquals((await log.bounds(topic, 0)).start, 0);
  await host.clock.advance(15_000);
  await pass(fixture);
  assertEquals((await log.bounds(topic, 0)).start, 5);
  await host.clock.advance(60_000);
  await pass(fixture);
  assertEquals(await log.bounds(topic, 0), { start: 6, next: 6, bytes: 0 });
});

Deno.test("where nothing is to be trimmed, retention reads no entry but the first, and that once", async () => {
  const store = new MemoryStore();
  const scans = watchScans(store);
  const fixture = gateway(store, testHost());
  const { log } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1, retentionMs: 60_000 });
  for (let sequence = 0; sequence < 5; sequence++) await append(fixture, topic, sequence);
  const entriesRead = async () => {
    scans.length = 0;
    await pass(fixture);
    const isEntry = (key: Key) =>
      keys.entry(topic.id, 0, 0, 0).slice(0, -2).every((part, i) => part === key[i]);
    return scans.flat().filter(isEntry).length;
  };
  assertEquals([await entriesRead(), await entriesRead()], [1, 0]);
});

Deno.test("readers behind the start of the log go on at the start", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1, retentionBytes: 5_000 });
  for (let sequence = 0; sequence < 20; sequence++) await append(fixture, topic, sequence);
  await pass(fixture);
  const { start } = await log.bounds(topic, 0);
  assertEquals(log.cached(topic, 0, 0), undefined, "what is trimmed is not served from memory");
  const { sections } = await log.read(topic, 0, { from: 0, bytesMax: 1 << 20 });
  assertEquals(sections[0]?.base, start);
});

/** Two gateways on one store, of which the second has loaded the topic and heard of nothing since. */
async function behind(): Promise<{ ahead: Fixture; slow: Fixture; topic: Topic }> {
  const store = new MemoryStore({ shared: true });
  const ahead = gateway(store, testHost(1));
  const slow = gateway(store, testHost(2));
  const { topic } = await ahead.log.topics.create("t", { partitions: 1, retentionBytes: 5_000 });
  await append(ahead, topic, 0);
  await slow.log.catchUp(topic);
  for (let sequence = 1; sequence < 30; sequence++) await append(ahead, topic, sequence);
  await pass(ahead);
  return { ahead, slow, topic };
}

Deno.test("one that is behind what others have trimmed learns the rest, and tells its followers", async () => {
  const { ahead, slow, topic } = await behind();
  const skipped: number[] = [];
  slow.log.listener = { appended() {}, skipped: (_, partition) => skipped.push(partition) };
  await slow.log.catchUp(topic);
  assertEquals(slow.log.known(topic, 0), ahead.log.known(topic, 0));
  assertEquals(skipped, [0]);
  const repeated = await append(slow, topic, 3);
  assert(repeated.ok && repeated.duplicate, "what is trimmed is known to have been stored");
  assertEquals(repeated.offsets, [[[0, 3]]]);
});

Deno.test("a look at where a log begins that comes back late does not put it back", async () => {
  const store = new MemoryStore({ shared: true });
  const [ahead, slow] = [gateway(store, testHost(1)), gateway(store, testHost(2))];
  const { topic } = await ahead.log.topics.create("t", { partitions: 1, retentionBytes: 5_000 });
  for (let sequence = 0; sequence < 30; sequence++) await append(ahead, topic, sequence);
  const stripe = (await slow.log.open(topic)).stripeOf(0);
  const { promise, resolve } = Promise.withResolvers<void>();
  const link = new FatedStore(store);
  link.readFates = [async (reach) => {
    const found = await reach();
    await promise;
    return found;
  }];
  const late = stripe.refreshTrim(link);
  await pass(ahead);
  await stripe.refreshTrim(link);
  const { start } = stripe.bounds(0);
  assert(start > 0);
  resolve();
  await late;
  assertEquals(stripe.bounds(0).start, start);
});

Deno.test("a reader goes on where it stopped, also if what lay behind that is gone since", async () => {
  const store = new MemoryStore({ shared: true });
  const [ahead, slow] = [gateway(store, testHost(1)), gateway(store, testHost(2))];
  const { topic } = await ahead.log.topics.create("t", { partitions: 2, retentionBytes: 5_000 });
  await append(ahead, topic, 0, 1, 1);
  const read = async (from: number) => {
    const { sections } = await slow.log.read(topic, 1, { from, bytesMax: 1 << 20 });
    return sections.map(({ base, next }) => [base, next]);
  };
  assertEquals(await read(0), [[0, 1]]);
  for (let sequence = 1; sequence < 30; sequence++) await append(ahead, topic, sequence);
  await pass(ahead);
  await append(ahead, topic, 30, 1, 1);
  await slow.log.catchUp(topic);
  assertEquals(await read(1), [[1, 2]]);
});

Deno.test("two that trim one log take no more of it than the policy says, and neither fails", async () => {
  const { ahead, slow, topic } = await behind();
  const before = await ahead.log.bounds(topic, 0);
  await pass(slow);
  await slow.log.catchUp(topic);
  assertEquals(await slow.log.bounds(topic, 0), before);
  for (let sequence = 30; sequence < 40; sequence++) await append(ahead, topic, sequence);
  await pass(ahead);
  await append(slow, topic, 40);
  await pass(slow);
  const { bytes } = await slow.log.bounds(topic, 0);
  assert(bytes > 3_000 && bytes <= 5_000, `${bytes} bytes are kept`);
});

Deno.test("a snapshot of one that knows less does not take the place of a newer one", async () => {
  const { ahead, slow, topic } = await behind();
  const [old] = (await slow.log.open(topic)).stripes;
  const [now] = (await ahead.log.open(topic)).stripes;
  assert(old && now);
  const taken = await takeSnapshot(slow.store, slow.host, old);
  assert(taken.replayFrom >= now.trim.entry, "a restart finds all that it needs");
  const restarted = gateway(slow.store, testHost(3));
  await restarted.log.catchUp(topic);
  const repeated = await append(restarted, topic, 3);
  assert(repeated.ok && repeated.duplicate);
});

Deno.test("a snapshot bounds what a restart reads, and it knows the same", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1 });
  const perPublish = 400;
  const publishes = Math.ceil(LOG.snapshotBytes / (perPublish * KILOBYTE.length)) + 1;
  for (let i = 0; i < publishes; i++) await append(fixture, topic, i, perPublish);
  await pass(fixture);
  const pieces = await keysUnder(store, ["s", topic.id]);
  assert(pieces >= 2, "a pointer and a piece");
  const restarted = gateway(store, host);
  const [stripe] = (await restarted.log.open(topic)).stripes;
  assertEquals(stripe?.bytesToReplay, 0);
  assertEquals(stripe?.dedupe.size, 1);
});

Deno.test("a deleted topic's space is free again, and its tombstone goes ten minutes later", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 40 });
  const { topic: other } = await log.topics.create("other", { partitions: 1 });
  for (let sequence = 0; sequence < 30; sequence++) await append(fixture, topic, sequence);
  await append(fixture, other, 30);
  await log.topics.remove("t");
  await pass(fixture);
  await host.clock.advance(60_000);
  for (const kind of ["l", "s", "b", "h"]) {
    assertEquals(await keysUnder(store, [kind, topic.id]), 0);
  }
  assertEquals(await keysUnder(store, keys.allTombstones()), 1);
  await host.clock.advance(LOG.tombstoneKeptMs);
  await pass(fixture);
  assertEquals(await keysUnder(store, keys.allTombstones()), 0);
  assertEquals(await keysUnder(store, ["l", other.id]), 1);
});

Deno.test("what groups have committed of a deleted topic goes with its tombstone, however late it came", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1_000 });
  const { topic: other } = await log.topics.create("other", { partitions: 1 });
  const [one, long] = ["g", "g".repeat(200)];
  const commit = async (group: string, { id }: Topic, partitions: number) => {
    for (let partition = 0; partition < partitions; partition++) {
      const key = keys.offset(group, id, partition);
      const set = { type: "set", key, value: new Uint8Array(17) } as const;
      await store.write({ checks: [{ key, version: null }], mutations: [set] });
    }
  };
  await commit(long, topic, 700);
  await commit(one, other, 1);
  await log.topics.remove("t");
  await pass(fixture);
  await commit(one, topic, 10);
  await host.clock.advance(LOG.tombstoneKeptMs);
  await pass(fixture);
  assertEquals(await keysUnder(store, keys.allOffsets()), 1);
  assertEquals(await keysUnder(store, keys.offsets(one, other.id)), 1);
  assertEquals(await keysUnder(store, keys.allTombstones()), 0);
});

Deno.test("however many offsets there are, looking through them holds up nothing else for long", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  await log.topics.create("t", { partitions: 1 });
  const looks = 2 * LOG.sweepPages;
  for (let i = 0; i < looks; i++) {
    const mutations = Array.from({ length: LOG.sweepOffsets }, (_, partition) => {
      const key = keys.offset(`g${i}`, "another", partition);
      return { type: "set", key, value: new Uint8Array(17) } as const;
    });
    await store.write({ checks: [{ key: ["none"], version: null }], mutations });
  }
  await log.topics.remove("t");
  await pass(fixture);
  await host.clock.advance(LOG.tombstoneKeptMs);
  let passes = 0;
  for (; await keysUnder(store, keys.allTombstones()) > 0; passes++) await pass(fixture);
  assertEquals([passes, await keysUnder(store, keys.offsetsOf("g0"))], [3, LOG.sweepOffsets]);
});

Deno.test("a topic of whose deletion nobody here has heard is swept all the same", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, store, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1 });
  await append(fixture, topic, 0);
  await pass(fixture);
  await gateway(store, testHost(2)).log.topics.remove("t");
  await host.clock.advance(LOG.tombstoneKeptMs);
  await pass(fixture);
  assertEquals(await keysUnder(store, keys.entriesOf(topic.id)), 0);
});

Deno.test("a topic's creation that arrives once more does not bring it back", async () => {
  const writes: Write[] = [];
  class Wiretap extends MemoryStore {
    override write(write: Write) {
      writes.push(write);
      return super.write(write);
    }
  }
  const fixture = gateway(new Wiretap(), testHost());
  const { log, store } = fixture;
  await log.topics.create("t", { partitions: 1 });
  const [creation] = writes;
  assert(creation);
  await log.topics.remove("t");
  await pass(fixture);
  assertEquals(await store.write(creation), { outcome: "conflict" });
  assertEquals(await log.topics.find("t"), undefined);
});

Deno.test("retention takes any number of small entries, as many at a time as a write can delete", async () => {
  const fixture = gateway(new MemoryStore(), testHost());
  const { log, host } = fixture;
  const { topic } = await log.topics.create("t", { partitions: 1, retentionMs: 1_000 });
  const source = new TextEncoder().encode("1");
  for (let i = 0; i < 2_500; i++) {
    const records = [{ source, from: 0, to: 1, partition: 0 }];
    await new Promise((done) => log.append({ parts: [{ topic, records }], done }));
  }
  await host.clock.advance(5_000);
  await pass(fixture);
  assertEquals((await log.bounds(topic, 0)).start, 2_500);
});
