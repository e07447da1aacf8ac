import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import type { CreditGiven } from "../../src/fanout/credit.ts";
import type { Feed, OnSlow, Sink } from "../../src/fanout/feed.ts";
import { Hub } from "../../src/fanout/hub.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { unreadable } from "../../src/store/store.ts";
import type { Topic } from "../../src/types.ts";
import { settled, testHost } from "../support/test_host.ts";

interface RecordsFrame {
  readonly type: "records";
  readonly partition: number;
  readonly records: readonly { offset: number; key?: string; value: unknown }[];
  readonly next: number;
  readonly bytes: number;
  readonly kept?: true;
}

interface GapFrame {
  readonly type: "gap";
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** What a client was pushed, and whether it takes more. */
class Client implements Sink {
  full = false;
  readonly raw: (string | Uint8Array)[] = [];
  readonly frames: (RecordsFrame | GapFrame)[] = [];

  push(frame: string | Uint8Array): void {
    assert(
      !this.full || typeof frame === "string",
      "nothing but gaps is pushed while there is no room",
    );
    this.raw.push(frame);
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    this.frames.push(JSON.parse(text));
  }

  offsets(partition = 0): number[] {
    return this.frames.flatMap((frame) =>
      frame.type === "records" && frame.partition === partition
        ? frame.records.map(({ offset }) => offset)
        : []
    );
  }

  gaps(): [number, number, string][] {
    return this.frames.flatMap((frame) =>
      frame.type === "gap" ? [[frame.from, frame.to, frame.reason]] : []
    );
  }
}

/** It has no more room after each push, until it is given some. */
class SlowClient extends Client {
  override push(frame: string | Uint8Array): void {
    super.push(frame);
    if (typeof frame !== "string") this.full = true;
  }
}

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function world(partitions = 2) {
  const host = testHost();
  const log = new Log(new MemoryStore(), host, 0);
  const hub = new Hub(log, host.clock);
  log.listener = hub;
  const { topic } = await log.topics.create("t", { partitions });
  await log.open(topic);
  return { log, hub, topic };
}

async function append(
  log: Log,
  topic: Topic,
  partition: number,
  keys: (string | undefined)[],
  value = "value",
) {
  const source = new TextEncoder().encode(JSON.stringify(value));
  const records = keys.map((key) => ({
    source,
    from: 0,
    to: source.length,
    partition,
    ...(key === undefined ? {} : { key }),
  }));
  await new Promise((done) => log.append({ parts: [{ topic, records }], done }));
  await settled();
}

function open(
  hub: Hub,
  client: Client,
  options: { credit?: CreditGiven; onSlow?: OnSlow; keys?: string[]; subscription?: number } = {},
): Feed {
  const { keys, subscription = 1, ...rest } = options;
  return hub.open({ subscription, ...rest, ...(keys ? { keys: new Set(keys) } : {}) }, client);
}

const some = (count: number) => new Array<undefined>(count).fill(undefined);

Deno.test("a broadcast makes one frame for all who have the same subscription number", async () => {
  const { log, hub, topic } = await world();
  const clients = [new Client(), new Client()];
  for (const client of clients) open(hub, client).add(topic, 0, 0);
  await append(log, topic, 0, some(3));
  assertEquals(clients[0]?.offsets(), [0, 1, 2]);
  assertStrictEquals(clients[0]?.raw[0], clients[1]?.raw[0]);
});

Deno.test("records are never more than the credit; bytes are overdrawn by the last record only", async () => {
  const { log, hub, topic } = await world();
  const byRecords = new Client();
  const byBytes = new Client();
  const feed = open(hub, byRecords, { credit: { records: 4 } });
  feed.add(topic, 0, 0);
  open(hub, byBytes, { credit: { records: 100, bytes: 15 } }).add(topic, 0, 0);
  await append(log, topic, 0, some(10));
  assertEquals(byRecords.offsets(), [0, 1, 2, 3]);
  assertEquals(byBytes.offsets(), [0, 1, 2], "7 bytes each: the third begins below 15");
  feed.grant(2, 0);
  await settled();
  assertEquals(byRecords.offsets(), [0, 1, 2, 3, 4, 5]);
});

const POLICIES: readonly [OnSlow, readonly unknown[]][] = [
  ["block", [[], [0, 1, 2, 3, 4, 5]]],
  ["drop", [[[2, 6, "slow"]], [0, 1]]],
  ["latest", [[[2, 6, "slow"]], [0, 1, 4, 5]]],
];

for (const [onSlow, [gaps, offsets]] of POLICIES) {
  Deno.test(`when credit comes again, ${onSlow}`, async () => {
    const { log, hub, topic } = await world();
    const client = new Client();
    const feed = open(hub, client, { onSlow, credit: { records: 2 } });
    feed.add(topic, 0, 0);
    await append(log, topic, 0, ["a", "b", "a", "b", "b", "a"]);
    feed.grant(10, 0);
    await settled();
    assertEquals([client.gaps(), client.offsets()], [gaps, offsets]);
    const kept = client.frames.find((frame) => frame.type === "records" && frame.kept);
    assertEquals(
      kept?.type === "records" ? kept.next : undefined,
      onSlow === "latest" ? 6 : undefined,
    );
    await append(log, topic, 0, ["c"]);
    assertEquals(client.offsets().at(-1), 6);
  });
}

Deno.test("what is kept for a slow client is sent when it has room, in pushes like any other", async () => {
  const { log, hub, topic } = await world();
  const keys = (from: number) => Array.from({ length: 20 }, (_, i) => `${from + i}`);
  for (const partition of [0, 1]) {
    for (const from of [0, 10]) await append(log, topic, partition, keys(from), "x".repeat(20_000));
  }
  const client = new SlowClient();
  const feeds = [1, 2].map((subscription) => {
    const feed = open(hub, client, { onSlow: "latest", credit: { records: 0 }, subscription });
    for (const partition of [0, 1]) feed.add(topic, partition, 0);
    return feed;
  });
  const pushes = () => client.frames.filter((frame) => frame.type === "records");
  client.full = true;
  for (const feed of feeds) feed.grant(1_000, 0);
  await settled();
  assertEquals(pushes(), [], "nothing while there is no room");
  for (let before = -1; pushes().length > before;) {
    before = pushes().length;
    client.full = false;
    for (const feed of feeds) feed.resume();
    await settled();
  }
  const kept = [...span(0, 10), ...span(20, 40)].flatMap((offset) => [offset, offset]);
  for (const partition of [0, 1]) {
    assertEquals(client.offsets(partition).toSorted((a, b) => a - b), kept);
  }
  assert(pushes().every(({ kept, next, bytes }) => kept && next === 40 && bytes < 160_000));
});

Deno.test("of what is kept the newest are chosen as far as a credit in bytes goes, and all of these are sent", async () => {
  const { log, hub, topic } = await world();
  for (const key of ["a", "b", "c"]) await append(log, topic, 0, [key], "x".repeat(60_000));
  const small = Array.from({ length: 50 }, (_, i) => `${i}`);
  await append(log, topic, 0, small, "x".repeat(1_000));
  const client = new Client();
  const feed = open(hub, client, { onSlow: "latest", credit: { records: 0, bytes: 0 } });
  feed.add(topic, 0, 0);
  feed.grant(1_000, 172_000);
  await settled();
  assertEquals(client.offsets(), span(0, 53), "the last that was chosen overdraws");
});

Deno.test("credit that comes while kept records are sent changes nothing of these, and is not overdrawn", async () => {
  const { log, hub, topic } = await world();
  const keys = (name: string) => Array.from({ length: 100 }, (_, i) => `${name}${i}`);
  await append(log, topic, 0, keys("a"));
  await append(log, topic, 1, keys("b"), "x".repeat(3_000));
  const client = new SlowClient();
  const feed = open(hub, client, { onSlow: "latest", credit: { records: 0 } });
  for (const partition of [0, 1]) feed.add(topic, partition, 0);
  feed.grant(150, 0);
  await settled();
  await append(log, topic, 0, keys("c"));
  feed.grant(50, 0);
  for (let i = 0; i < 10; i++) {
    client.full = false;
    feed.resume();
    await settled();
  }
  assertEquals([client.offsets(0).slice(0, 100), client.offsets(1)], [span(0, 100), span(0, 100)]);
  assertEquals(client.offsets(0).length + client.offsets(1).length, 200);
});

Deno.test("a partition that cannot be looked up costs no other what is kept of it", async () => {
  const { log, hub, topic } = await world();
  for (const partition of [0, 1]) await append(log, topic, partition, ["a", "a"]);
  const client = new Client();
  const feed = open(hub, client, { onSlow: "latest", credit: { records: 0 } });
  for (const partition of [0, 1]) feed.add(topic, partition, 0);
  const read = log.read.bind(log);
  log.read = (...args) => {
    log.read = read;
    return Promise.reject(unreadable(`cannot read ${args[1]}`));
  };
  feed.grant(1_000, 0);
  await settled();
  assertEquals([client.offsets(0), client.offsets(1)], [[], [1]]);
});

Deno.test("a feed with keys gets their records only, and its position goes on", async () => {
  const { log, hub, topic } = await world();
  const client = new Client();
  const feed = open(hub, client, { keys: ["me"] });
  feed.add(topic, 0, 0);
  await append(log, topic, 0, ["you", "me", undefined, "me"]);
  await append(log, topic, 0, ["you", "you"]);
  assertEquals(client.offsets(), [1, 3]);
  assertEquals(feed.heads(), [{ topic: "t", partition: 0, next: 6, end: 6 }]);
  assertEquals(feed.heads(), [], "what did not change is not named again");
});

for (const keys of [undefined, ["me"]]) {
  const whose = keys ? "of a feed with keys" : "of a feed";
  Deno.test(`no head ${whose} is before what it stands for, while that is stored and told`, async () => {
    const { log, hub, topic } = await world();
    const client = new Client();
    const feed = open(hub, client, keys ? { keys } : {});
    feed.add(topic, 0, 0);
    await append(log, topic, 0, ["me"]);
    append(log, topic, 0, ["me"]);
    while (client.offsets().length < 2) {
      for (const { next } of feed.heads()) assertEquals(client.offsets().length, next);
      await undefined;
    }
    assertEquals(feed.heads(), [{ topic: "t", partition: 0, next: 2, end: 2 }]);
  });
}

Deno.test("of what a feed with keys has passed it is told no gap, though the log has moved on", async () => {
  const { log, hub, topic } = await world();
  const client = new Client();
  const feed = open(hub, client, { keys: ["me"] });
  feed.add(topic, 0, 0);
  await append(log, topic, 0, ["you", "you"]);
  const [head] = feed.heads();
  hub.log.read = () => Promise.resolve({ sections: [], bounds: { start: 2, next: 2, bytes: 0 } });
  hub.log.cached = () => undefined;
  hub.skipped(topic, 0);
  await settled();
  assertEquals([head?.next, client.gaps()], [2, []]);
});

Deno.test("a feed reads on in the entry in which its last push ended", async () => {
  const { log, hub, topic } = await world();
  for (let i = 0; i < 3; i++) await append(log, topic, 0, some(3), "x".repeat(60_000));
  hub.log.cached = () => undefined;
  const read = hub.log.read.bind(log);
  const nears: unknown[] = [];
  hub.log.read = (topic, partition, wanted) => {
    nears.push(wanted.near);
    return read(topic, partition, wanted);
  };
  const client = new Client();
  const feed = open(hub, client);
  feed.add(topic, 0, 0);
  await settled();
  assertEquals(client.offsets(), span(0, 9));
  assertEquals(nears, [undefined, 0, 0, 1, 1, 2]);
  feed.seek([{ topic: topic.name, partition: 0, offset: 0 }]);
  await settled();
  assertEquals(client.offsets().slice(9), span(0, 9));
});

Deno.test("partitions that are behind are served in turn", async () => {
  const { log, hub, topic } = await world(3);
  for (const partition of [0, 1, 2]) await append(log, topic, partition, some(3_000));
  const client = new Client();
  const feed = open(hub, client, { credit: { records: 0 } });
  for (const partition of [0, 1, 2]) feed.add(topic, partition, 0);
  feed.grant(9_000, 0);
  await settled();
  const turns = client.frames.map(({ partition }) => partition);
  assertEquals(turns.slice(0, 3), [0, 1, 2]);
});

Deno.test("after a removal, or a close, nothing more of it is pushed", async () => {
  const { log, hub, topic } = await world();
  const client = new Client();
  const feed = open(hub, client);
  feed.add(topic, 0, 0);
  feed.add(topic, 1, 0);
  feed.remove("t", 0);
  await append(log, topic, 0, some(2));
  await append(log, topic, 1, some(2));
  assertEquals([client.offsets(0), client.offsets(1)], [[], [0, 1]]);
  feed.close();
  await append(log, topic, 1, some(2));
  assertEquals(client.offsets(1), [0, 1]);
});

type Step =
  | { readonly do: "append"; readonly partition: number; readonly count: number }
  | { readonly do: "grant"; readonly records: number }
  | { readonly do: "seek"; readonly partition: number; readonly part: number }
  | { readonly do: "room"; readonly full: boolean };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("append" as const),
    partition: fc.nat(1),
    count: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ do: fc.constant("grant" as const), records: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    do: fc.constant("seek" as const),
    partition: fc.nat(1),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ do: fc.constant("room" as const), full: fc.boolean() }),
);

Deno.test("whatever happens, offsets have no gap and no repeat, credit is kept, and all comes in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepArbitrary, { maxLength: 40, size: "max" }),
      fc.nat(100),
      async (steps, credit) => {
        const { log, hub, topic } = await world();
        const client = new Client();
        const feed = open(hub, client, { credit: { records: credit } });
        const expected = [0, 0];
        let allowed = credit;
        let seen = 0;
        feed.add(topic, 0, 0);
        feed.add(topic, 1, 0);

        const look = () => {
          for (const frame of client.frames.slice(seen)) {
            assert(frame.type === "records", "nothing is skipped");
            const from = expected[frame.partition] ?? 0;
            const offsets = frame.records.map(({ offset }) => offset);
            assertEquals(offsets, offsets.map((_, i) => from + i));
            expected[frame.partition] = from + offsets.length;
            assertEquals(frame.next, from + offsets.length);
            allowed -= frame.records.length;
            assert(allowed >= 0, "the credit is overdrawn");
          }
          seen = client.frames.length;
        };
        for (const step of steps) {
          switch (step.do) {
            case "append":
              await append(log, topic, step.partition, some(step.count));
              break;
            case "grant":
              allowed += step.records;
              feed.grant(step.records, 0);
              break;
            case "seek": {
              await settled();
              look();
              const { next } = await log.bounds(topic, step.partition);
              const offset = Math.floor(step.part * next);
              expected[step.partition] = offset;
              feed.seek([{ topic: "t", partition: step.partition, offset }]);
              break;
            }
            case "room":
              client.full = step.full;
              if (!step.full) feed.resume();
          }
          await settled();
          look();
        }
        client.full = false;
        for (let rounds = 0; rounds < 4; rounds++) {
          allowed += 2_000;
          feed.grant(2_000, 0);
          await settled();
          look();
        }
        for (const partition of [0, 1]) {
          assertEquals(expected[partition], (await log.bounds(topic, partition)).next);
        }
      },
    ),
    { numRuns: 150 },
  );
});
