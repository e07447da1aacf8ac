import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { Dedupe } from "../../src/log/dedupe.ts";
import { loadSnapshot, type Snapshotted, takeSnapshot } from "../../src/log/snapshots.ts";
import { Topics } from "../../src/log/topics.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store, Write, WriteResult } from "../../src/store/store.ts";
import { testHost } from "../support/test_host.ts";

const PRODUCER = "01KB0000000000000000000000";

/** The store in memory, with something that happens to the next writes. */
function storeWith(
  fate: (write: Write, stored: MemoryStore) => Promise<WriteResult>,
  stored = new MemoryStore(),
): Store {
  return {
    shared: false,
    watch: () => () => {},
    read: (keys) => stored.read(keys),
    scan: (range) => stored.scan(range),
    write: (write) => fate(write, stored),
    close() {},
  };
}

function stripeWith(dedupe: Dedupe, entries: number): Snapshotted {
  return { topic: { id: "t" }, index: 0, head: { entries }, dedupe };
}

Deno.test("what an attempt that was given up sends late is never part of a later snapshot", async () => {
  const host = testHost();
  let fate: "lost" | "slow" | "stored" = "lost";
  const store = storeWith(async (write, stored) => {
    if (fate === "lost") return { outcome: "unknown", cause: "lost" };
    const result = await stored.write(write);
    // A pause in which the first attempt, still being settled, sends its piece again.
    if (fate === "slow") {
      fate = "stored";
      await new Promise<void>((resolve) => host.clock.after(2_000, resolve));
    }
    return result;
  });
  const dedupe = new Dedupe();
  const epoch = host.clock.now();
  const stripe = (entries: number) => stripeWith(dedupe, entries);
  dedupe.producer(PRODUCER, epoch, epoch);
  dedupe.publish(0, 0, 0);
  const given = assertRejects(() => takeSnapshot(store, host, stripe(1)), GatewayError);
  await host.clock.advance(6_000);
  await given;

  dedupe.producer(PRODUCER, epoch, host.clock.now());
  dedupe.publish(1, 0, 1);
  fate = "slow";
  const taken = takeSnapshot(store, host, stripe(2));
  await host.clock.advance(10_000);
  assertEquals((await taken).replayFrom, 2);

  const restarted = new Dedupe();
  assertEquals(await loadSnapshot(store, { ...stripe(2), dedupe: restarted }), 2);
  const stamp = { id: PRODUCER, epoch, sequence: 1 };
  assertEquals(restarted.judge(0, stamp, host.clock.now()), { kind: "stored", base: 1 });
});

Deno.test("a deletion whose reply was lost is a deletion, and is told", async () => {
  const host = testHost();
  let lost = false;
  const store = storeWith(async (write, stored) => {
    const result = await stored.write(write);
    return lost ? { outcome: "unknown", cause: "lost" } : result;
  });
  const topics = new Topics(store, host, 0);
  await topics.create("t", { partitions: 1 });
  const told: string[] = [];
  topics.onRemoved(({ name }) => told.push(name));
  lost = true;
  const removed = topics.remove("t");
  await host.clock.advance(100);
  assertEquals([(await removed)?.name, told], ["t", ["t"]]);
});

Deno.test("all pieces of the snapshot before go in one write", async () => {
  const host = testHost();
  const dedupe = new Dedupe();
  const epoch = host.clock.now();
  for (let i = 0; i < 6_000; i++) {
    dedupe.producer(`${PRODUCER.slice(0, -4)}${1_000 + i}`, epoch, epoch);
    dedupe.publish(0, 0, i);
  }
  let deletions: number[] = [];
  const store = storeWith((write, stored) => {
    const count = write.mutations.filter(({ type }) => type === "delete").length;
    if (count > 0) deletions.push(count);
    return stored.write(write);
  });
  const dropped = async (entries: number) => {
    deletions = [];
    await takeSnapshot(store, host, stripeWith(dedupe, entries));
    return deletions;
  };
  assertEquals(await dropped(1), []);
  const [first = 0, ...more] = await dropped(2);
  assert(first > 1);
  assertEquals(more, []);
});

Deno.test("what one gateway drops behind its snapshot is never part of the next one of another", async () => {
  const host = testHost();
  const dedupe = new Dedupe();
  const epoch = host.clock.now();
  dedupe.producer(PRODUCER, epoch, epoch);
  dedupe.publish(0, 0, 0);
  const stripe = (entries: number) => stripeWith(dedupe, entries);
  const stored = new MemoryStore();
  const isPointer = ({ mutations }: Write) => mutations.some(({ key }) => key.length === 3);
  const second = {
    hasPieces: Promise.withResolvers<void>(),
    mayGoOn: Promise.withResolvers<void>(),
  };
  const secondStore = storeWith(async (write) => {
    if (isPointer(write)) {
      second.hasPieces.resolve();
      await second.mayGoOn.promise;
    }
    return await stored.write(write);
  }, stored);
  let taken: Promise<unknown> | undefined;
  const firstStore = storeWith(async (write) => {
    const result = await stored.write(write);
    if (isPointer(write)) {
      taken = takeSnapshot(secondStore, host, stripe(2));
      await second.hasPieces.promise;
    }
    return result;
  }, stored);
  await takeSnapshot(firstStore, host, stripe(1));
  second.mayGoOn.resolve();
  await taken;
  const restarted = new Dedupe();
  assertEquals(await loadSnapshot(stored, { ...stripe(2), dedupe: restarted }), 2);
  assertEquals(restarted.size, 1);
});
