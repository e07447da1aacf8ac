/**
 * Retention, and what the page says of it wherever it shows: sections 2, 3, 4 and 6. One topic is
 * filled and trimmed before the tests, since each wait for retention takes seconds.
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { DeliveredRecord, Producer } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { call, describeGroup, describeTopic, fresh, json, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

const count = 20;
const recordBytes = 10_000;
const retentionBytes = 50_000;
const promisedMs = 10_000;

/** The state before the log's start moved, and the start now. */
interface Trimmed {
  readonly topic: string;
  readonly group: string;
  readonly producer: Producer;
  readonly incarnation: string;
  readonly start: number;
}
let before: Trimmed;

Deno.test.beforeAll(async () => {
  const topic = await makeTopic(shared.gateway, 1, { retentionBytes });
  const group = fresh("group");
  await using client = await Client.open(shared.gateway);
  const { incarnation } = await client.subscribe(topic, { credit: { records: 0 } });
  const { subscription } = await client.join(group, [topic], { credit: { records: 0 } });
  await client.until("assign");
  const { producer } = await client.initProducer();
  await fill(client, topic, producer);
  await client.commit(subscription, [{ topic, partition: 0, offset: 1 }]);
  before = { topic, group, producer, incarnation, start: await trimmed(topic) };
});

async function fill(client: Client, topic: string, producer: Producer): Promise<void> {
  const value = "x".repeat(recordBytes - 2);
  for (let sequence = 0; sequence < count; sequence++) {
    await client.publish(topic, [{ value, partition: 0 }], { ...producer, sequence });
  }
}

/** Waits until the topic is within its `retentionBytes`, and returns its start. */
async function trimmed(topic: string): Promise<number> {
  const deadline = performance.now() + promisedMs;
  while (true) {
    const { start, bytes } = (await describeTopic(shared.gateway, topic)).partitions[0]!;
    if (start > 0 && bytes <= retentionBytes) return start;
    assert(performance.now() < deadline, `After ${promisedMs} ms the log starts at ${start}`);
  }
}

Deno.test("retentionBytes bounds the topic within 10 s; only the log's start moves", async () => {
  const { start, next } = (await describeTopic(shared.gateway, before.topic)).partitions[0]!;
  assertEquals([start, next], [before.start, count]);
  assertGreater(start, count - 1 - retentionBytes / recordBytes);
  assertLess(start, count, "what the bound allows is kept");
});

Deno.test("over HTTP, reading below the start is 416, reading without an offset begins there", async () => {
  const path = `/v1/topics/${before.topic}/partitions/0/records`;
  const below = await call(shared.gateway, "GET", `${path}?offset=${before.start - 1}`);
  const { code, start, next } = JSON.parse(below.text);
  assertEquals([below.status, code, start, next], [
    416,
    "offset_out_of_range",
    before.start,
    count,
  ]);
  const { records } = await json<{ records: DeliveredRecord[] }>(shared.gateway, "GET", path);
  assertEquals(records[0]!.offset, before.start);
});

Deno.test("earliest, and a timestamp before all, mean the log's start", async () => {
  await using client = await Client.open(shared.gateway);
  for (const from of ["earliest", { timestamp: 0 }]) {
    const { positions } = await client.subscribe(before.topic, { from });
    assertEquals(positions[0]!.offset, before.start);
  }
});

Deno.test("a subscription that is behind the start gets a gap, trimmed, and continues at the start", async () => {
  const topic = await makeTopic(shared.gateway, 1, { retentionBytes });
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, { credit: { records: 0 } });
  await fill(client, topic, (await client.initProducer()).producer);
  const start = await trimmed(topic);
  client.send({ type: "credit", subscription, records: 100 });
  const gap = await client.until("gap");
  assertEquals([gap.from, gap.to, gap.reason], [0, start, "trimmed"]);
  const delivered = await client.records(subscription, count - start);
  assertEquals(delivered[0]!.offset, start);
});

Deno.test("a resume from a trimmed position is reset to the start and not recovered", async () => {
  const { topic, incarnation, start } = before;
  await using client = await Client.open(shared.gateway);
  const resumed = await client.subscribe(topic, {
    from: { positions: [{ partition: 0, offset: 2 }], incarnation },
  });
  assertEquals(resumed.recovered, false);
  assertEquals(resumed.positions, [{ topic, partition: 0, offset: start, reset: "trimmed" }]);
  await client.records(resumed.subscription, count - start);
});

Deno.test("a seek below the start is ok and gets a gap", async () => {
  const { topic, start } = before;
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const partitions = [{ topic, partition: 0, offset: 3 }];
  await client.request({ type: "seek", subscription, partitions });
  const gap = await client.until("gap");
  assertEquals([gap.from, gap.to, gap.reason], [3, start, "trimmed"]);
  await client.records(subscription, count - start);
});

Deno.test("if retention has passed a committed offset, assign names it and a gap follows", async () => {
  const { topic, group, start } = before;
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.join(group, [topic]);
  assertEquals((await client.until("assign")).partitions[0]!.offset, 1);
  const gap = await client.until("gap");
  assertEquals([gap.subscription, gap.from, gap.to], [subscription, 1, start]);
  await client.records(subscription, count - start);
});

Deno.test("a reset below the start means the start", async () => {
  const { topic, start } = before;
  const group = fresh("group");
  const offsets = [{ topic, partition: 0, offset: 1 }];
  await json(shared.gateway, "PUT", `/v1/groups/${group}/offsets`, { offsets });
  assertEquals((await describeGroup(shared.gateway, group)).offsets[0]!.offset, start);
  await json(shared.gateway, "PUT", `/v1/groups/${group}/offsets`, {
    topics: [topic],
    to: "earliest",
  });
  assertEquals((await describeGroup(shared.gateway, group)).offsets[0]!.offset, start);
});

Deno.test("a duplicate of a record that retention has deleted still gets its original offset", async () => {
  const { topic, producer } = before;
  await using client = await Client.open(shared.gateway);
  const again = await client.publish(topic, [{ value: 1, partition: 0 }], {
    ...producer,
    sequence: 0,
  });
  assertEquals([again.offsets, again.duplicate], [[[0, 0]], true]);
});

Deno.test("retentionMs goes by the time of the append, not by the record's own timestamp", async () => {
  const topic = await makeTopic(shared.gateway, 2, { retentionMs: 1_000 });
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [
    { value: "ages", partition: 0, timestamp: Date.now() + 3_600_000 },
    { value: "ages", partition: 1 },
  ]);
  const appended = performance.now();
  await eventually("both are trimmed", async () => {
    const { partitions } = await describeTopic(shared.gateway, topic);
    return partitions.every(({ start }) => start === 1);
  }, 1_000 + promisedMs);
  assert(performance.now() - appended > 900, "it was trimmed too early");
  assertEquals((await client.publish(topic, [{ value: 1, partition: 0 }])).offsets, [[0, 1]]);
});
