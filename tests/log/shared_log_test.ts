/** A log whose store answers late or not at all, and is written to by others. */

import { assert, assertEquals } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { LOG } from "../../src/limits.ts";
import type { Append, AppendResult, Rider } from "../../src/log/append.ts";
import { Lane } from "../../src/log/lane.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Topic } from "../../src/types.ts";
import { type Entry, unreadable, type WriteResult } from "../../src/store/store.ts";
import { type Fate, FatedStore } from "../store/fated_store.ts";
import { settled, testHost } from "../support/test_host.ts";
import {
  append,
  fixture,
  places,
  record,
  refused,
  stamp,
  stamped,
  valuesOf,
} from "./log_fixture.ts";

/** Two gateways on one store, with a topic that both know; the first reaches it through fates. */
async function gateways(partitions: number) {
  const stored = new MemoryStore({ shared: true });
  const link = new FatedStore(stored);
  const [host, otherHost] = [testHost(1), testHost(2)];
  const [log, other] = [new Log(link, host, 0), new Log(stored, otherHost, 0)];
  const { topic } = await log.topics.create("gps", { partitions });
  await log.open(topic);
  await other.open(topic);
  return { stored, link, host, log, other, otherHost, topic };
}

/** A call that is answered, with what it came to at once, when it is let go. */
function held<T>(): { readonly fate: Fate<T>; letGo(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    fate: async (reach) => {
      const result = await reach();
      await promise;
      return result;
    },
    letGo: resolve,
  };
}

Deno.test("what others wrote is read to its end before anything else is written, also if a rider fails", async () => {
  const { stored, link, host, log, other, topic } = await gateways(2);
  places(await append(other, topic, [record("x", { partition: 0 })]));
  const scan = held<Entry[]>();
  link.scanFates = [scan.fate];
  let failures = 1;
  const board = (): Rider => ({
    checks: [],
    mutations: [],
    bytes: 0,
    evidence: { key: ["none"], holds: () => false },
    stored() {},
    async refused() {
      if (failures-- > 0) throw unreadable("the fence cannot be read");
    },
  });
  const transaction = new Promise<AppendResult>((done) => {
    const part: Append["parts"][number] = { topic, records: [record("a", { partition: 0 })] };
    log.append({ parts: [part], board, done });
  });
  await host.clock.advance(10 * LOG.rereadMs);
  const write = held<WriteResult>();
  link.writeFates = [write.fate];
  const behind = append(log, topic, [record("b", { partition: 1 })]);
  await settled();
  scan.letGo();
  await settled();
  write.letGo();
  await host.clock.advance(10 * LOG.rereadMs);
  assertEquals([places(await transaction), places(await behind)], [[[0, 1]], [[1, 0]]]);
  assertEquals(places(await append(log, topic, [record("c", { partition: 0 })])), [[0, 2]]);

  const restarted = new Log(stored, testHost(3), 0);
  assertEquals(await valuesOf(restarted, topic, 0, 0), [[0, "x"], [1, "a"], [2, "c"]]);
  assertEquals(await valuesOf(restarted, topic, 1, 0), [[0, "b"]]);
});

Deno.test("a repeat is known at a gateway that has heard of one of its stripes only", async () => {
  const { log, host, other, topic } = await gateways(32);
  const producer = stamp(host, 0);
  const records = [record("p", { partition: 0 }), record("q", { partition: 16 })];
  const original = places(await append(log, topic, records, stamped(new Lane(), producer)));
  // Its write is refused, so that it learns what the first of the stripes has.
  await append(other, topic, [record("z", { partition: 0 })]);
  const repeated = await append(other, topic, records, stamped(new Lane(), producer));
  assertEquals([places(repeated), repeated.ok && repeated.duplicate], [original, true]);
});

Deno.test("repeats that must wait hold up nobody else", async () => {
  const { log, host, topic } = await gateways(32);
  const torn = stamp(host, 0);
  await append(log, topic, [record("p", { partition: 0 })], stamped(new Lane(), torn));
  const answered: string[] = [];
  const publish = async (name: string, more: Partial<Append["parts"][number]>) => {
    await append(log, topic, [0, 16].map((partition) => record(name, { partition })), more);
    answered.push(name);
  };
  const twice = { ...stamp(host, 0), id: "01KB0000000000000000000001" };
  const lane = new Lane();
  await Promise.all([
    publish("torn", stamped(new Lane(), torn)),
    publish("first", stamped(lane, twice)),
    publish("again", stamped(new Lane(), twice)),
    publish("next", stamped(lane, { ...twice, sequence: 1 })),
    publish("another's", {}),
  ]);
  assertEquals(answered.slice(0, 3), ["first", "next", "another's"]);
});

Deno.test("what is new stays in its order in its partition, whatever it waits for", async () => {
  const { log, host, topic } = await gateways(1);
  const old = stamp(host, 0);
  const next = { ...old, epoch: old.epoch + 1 };
  const results = [
    append(log, topic, [record("old")], stamped(new Lane(), old)),
    append(log, topic, [record("next")], stamped(new Lane(), next)),
    append(log, topic, [record("plain")]),
  ];
  const stored = (await Promise.all(results)).map(places);
  assertEquals(stored, [[[0, 0]], [[0, 1]], [[0, 2]]]);
});

Deno.test("a repeat that is stored in part of where it would go now is too old", async () => {
  const { log, host, other, topic } = await gateways(32);
  const producer = stamp(host, 0);
  await append(log, topic, [record("p", { partition: 0 })], stamped(new Lane(), producer));
  await other.catchUpAll();
  const changed = [record("p", { partition: 0 }), record("q", { partition: 16 })];
  for (const gateway of [log, other]) {
    const result = await append(gateway, topic, changed, stamped(new Lane(), producer));
    assertEquals(refused(result), "sequence_too_old");
  }
});

Deno.test("what others append while a topic is loaded is learned once it is", async () => {
  const { stored, other, topic } = await gateways(1);
  await append(other, topic, [record("x")]);
  for (const tell of ["what", "all"] as const) {
    const link = new FatedStore(stored);
    const scan = held<Entry[]>();
    const log = new Log(link, testHost(3), 0);
    link.scanFates = [scan.fate];
    const opening = log.open(topic);
    await settled();
    const [[, offset] = []] = places(await append(other, topic, [record("y")])) ?? [];
    const entries = (offset ?? 0) + 1;
    if (tell === "all") await log.catchUpAll();
    else await log.grown([{ topicId: topic.id, stripe: 0, entries }]);
    scan.letGo();
    await opening;
    await settled();
    assertEquals(log.known(topic, 0)?.next, entries, tell);
  }
});

Deno.test("a look at what others have appended anywhere holds up no append", async () => {
  const { link, log, other, topic } = await gateways(32);
  await append(other, topic, [record("x", { partition: 0 })]);
  const read = held<Entry[]>();
  link.readFates = [read.fate];
  const looks = [log.catchUpAll(), log.catchUpAll()];
  await settled();
  assertEquals(places(await append(log, topic, [record("y", { partition: 16 })])), [[16, 0]]);
  assertEquals(log.known(topic, 0)?.next, 0);
  read.letGo();
  await Promise.all(looks);
  assertEquals([0, 16].map((partition) => log.known(topic, partition)?.next), [1, 1]);
});

Deno.test("many small publishes that wait are refused when they take too much memory", async () => {
  const link = new FatedStore(new MemoryStore());
  const { log, topic } = await fixture(1, link);
  await log.open(topic);
  link.writeFates = [() => new Promise(() => {})];
  const refusals: string[] = [];
  const waits = new Set<number | undefined>();
  const taken = 100_000;
  for (let i = 0; i < taken; i++) {
    append(log, topic, [record(i)]).then((result) => {
      refusals.push(refused(result));
      if (!result.ok) waits.add(result.error.detail.retryAfterMs);
    });
  }
  await settled();
  assert(refusals.length > 0, "each of them takes 700 bytes at least");
  assert(refusals.every((code) => code === "overloaded"));
  assert(waits.size > LOG.retryApartMs / 2, "they are not all told to come back at once");
  assert((taken - refusals.length) * 1_000 > LOG.queueBytes);
});

Deno.test("what waits for a topic that cannot be read is answered in time, and bounded", async () => {
  const { stored, topic } = await gateways(1);
  const link = new FatedStore(stored);
  const host = testHost(3);
  const log = new Log(link, host, 0);
  const isSlow = async () => {
    await new Promise<void>((resolve) => host.clock.after(3_000, resolve));
    throw unreadable("no answer within 3000 ms");
  };
  link.readFates = Array(20).fill(isSlow);
  const begun = host.clock.monotonic();
  const answers: [string, number][] = [];
  const few = Array.from({ length: 10 }, async () => {
    const result = await append(log, topic, [record("x")]);
    answers.push([refused(result), host.clock.monotonic() - begun]);
  });
  const half = "x".repeat(250_000);
  const many = Array.from({ length: 400 }, () => append(log, topic, [record(half)]));
  const overloaded = Array<string>();
  for (const one of many) one.then((result) => overloaded.push(refused(result)));
  await settled();
  assert(overloaded.length > 0 && overloaded.every((code) => code === "overloaded"));
  for (let ms = 0; ms < LOG.publishMs; ms += 50) {
    await host.clock.advance(50);
    log.tick(host.clock.monotonic());
  }
  await Promise.all([...few, ...many]);
  assertEquals(new Set(answers.map(([code]) => code)), new Set(["unavailable"]));
  assert(answers.every(([, ms]) => ms <= LOG.publishMs), JSON.stringify(answers));
});

Deno.test("what has waited for its topic, and then for a write, is answered in time all the same", async () => {
  const { stored, log: first, topic: slow } = await gateways(1);
  const { topic: quick } = await first.topics.create("quick", { partitions: 1 });
  const link = new FatedStore(stored);
  const host = testHost(3);
  const log = new Log(link, host, 0);
  await log.open(quick);
  const load = held<Entry[]>();
  link.readFates = [load.fate];
  link.writeFates = [() => new Promise(() => {})];
  const answers: string[] = [];
  const publish = async (topic: Topic) => {
    answers.push(`${topic.name}: ${refused(await append(log, topic, [record("x")]))}`);
  };
  publish(slow);
  publish(quick); // is being written for ever
  await settled();
  await host.clock.advance(LOG.publishMs / 2);
  publish(quick);
  load.letGo();
  await settled();
  await host.clock.advance(LOG.publishMs / 2);
  log.tick(host.clock.monotonic());
  await settled();
  assertEquals(answers.filter((answer) => answer.endsWith("unavailable")), ["gps: unavailable"]);
});

Deno.test("a topic that is slow to load holds up no other", async () => {
  const { stored, log: first, topic: slow } = await gateways(1);
  const { topic: quick } = await first.topics.create("quick", { partitions: 1 });
  const link = new FatedStore(stored);
  const log = new Log(link, testHost(3), 0);
  const load = held<Entry[]>();
  link.readFates = [load.fate];
  const order: string[] = [];
  const lane = new Lane();
  const publish = async (name: string, topic: Topic, more = {}) => {
    places(await append(log, topic, [record(name)], more));
    order.push(name);
  };
  const number = (sequence: number) => stamped(lane, stamp(testHost(3), sequence));
  const all = [
    publish("slow", slow, number(0)),
    publish("of the same producer", quick, number(1)),
    publish("behind it", quick),
    publish("elsewhere", (await first.topics.create("other", { partitions: 1 })).topic),
  ];
  await settled();
  assertEquals(order, ["elsewhere"]);
  load.letGo();
  await Promise.all(all);
  assertEquals(order, ["elsewhere", "slow", "of the same producer", "behind it"]);
});

Deno.test("who hears of a deletion that was answered timeout hears it when it is stored", async () => {
  const link = new FatedStore();
  const host = testHost();
  const log = new Log(link, host, 0);
  const { topic } = await log.topics.create("gps", { partitions: 2 });
  await log.open(topic);
  const told: string[] = [];
  log.topics.onRemoved(({ id }) => told.push(id));
  link.writeFates = [async (reach) => {
    host.clock.after(5_500, reach);
    await new Promise<void>((resolve) => host.clock.after(3_000, resolve));
    return { outcome: "unknown", cause: "no answer" };
  }, async (reach) => {
    await new Promise<void>((resolve) => host.clock.after(3_000, resolve));
    return await reach();
  }];
  const removal = log.topics.remove("gps").catch((error) =>
    error instanceof GatewayError ? error.code : "failed"
  );
  await host.clock.advance(5_100);
  assertEquals([await removal, told], ["timeout", []]);
  await host.clock.advance(20_000);
  assertEquals(told, [topic.id]);
  assertEquals([await log.topics.find("gps"), [...log.loaded()].length], [undefined, 0]);
});
