/** Section 2 of the page: `transact`, all of it or none. */

import { assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Published, Transacted } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, describeTopic, fresh, json, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

const at = (partition: number, value: unknown = 0) => [{ value, partition }];

/** A topic with one record in each of two partitions, and a member that owns both. */
async function consuming(client: Client) {
  const input = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await client.publish(input, [...at(0), ...at(1)]);
  const { subscription } = await client.join(group, [input]);
  await client.until("assign", ({ partitions }) => partitions.length === 2);
  await client.records(subscription, 2);
  return { input, group, subscription };
}

const committed = async (group: string) =>
  (await describeGroup(shared.gateway, group)).offsets.map(({ offset }) => offset);

Deno.test("transact stores in several topics at once and returns the offsets of each part", async () => {
  const [one, other] = [await makeTopic(shared.gateway, 2), await makeTopic(shared.gateway, 1)];
  await using client = await Client.open(shared.gateway);
  const { offsets, duplicate } = await client.request<Transacted>({
    type: "transact",
    publish: [
      { topic: one, records: [...at(1, "a"), ...at(0, "b")] },
      { topic: other, records: at(0, "c") },
      { topic: one, records: at(1, "d") },
    ],
  });
  assertEquals(offsets, [[[1, 0], [0, 0]], [[0, 0]], [[1, 1]]]);
  assertEquals(duplicate, undefined);
  const { subscription } = await client.subscribe(one, { from: "earliest" });
  const delivered = await client.records(subscription, 3);
  assertEquals(delivered.map(({ value }) => value).toSorted(), ["a", "b", "d"]);
});

Deno.test("transact commits offsets together with its records", async () => {
  const output = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { input, group, subscription } = await consuming(client);
  const { offsets } = await client.request<Transacted>({
    type: "transact",
    publish: [{ topic: output, records: at(0, "result") }],
    commit: { subscription, offsets: [{ topic: input, partition: 0, offset: 1 }] },
  });
  assertEquals(offsets, [[[0, 0]]]);
  assertEquals(await committed(group), [1, 0]);
});

Deno.test("a transact whose commit is refused stores nothing", async () => {
  const output = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { input, group, subscription } = await consuming(client);
  const bad: [string, Record<string, unknown>][] = [
    ["offset_out_of_range", { topic: input, partition: 0, offset: 2 }],
    ["not_owner", { topic: output, partition: 0, offset: 0 }],
    ["not_owner", { topic: input, partition: 7, offset: 0 }],
  ];
  for (const [code, offset] of bad) {
    await client.refused(code, {
      type: "transact",
      publish: [{ topic: output, records: at(0) }],
      commit: { subscription, offsets: [{ topic: input, partition: 1, offset: 1 }, offset] },
    });
  }
  await client.refused("unknown_subscription", {
    type: "transact",
    publish: [{ topic: output, records: at(0) }],
    commit: { subscription: 999_999, offsets: [{ topic: input, partition: 0, offset: 1 }] },
  });
  assertEquals(await committed(group), [0, 0]);
  assertEquals((await describeTopic(shared.gateway, output)).partitions[0]!.next, 0);
});

Deno.test("a transact with one part that is refused stores nothing and commits nothing", async () => {
  const output = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { input, group, subscription } = await consuming(client);
  await client.refused("unknown_partition", {
    type: "transact",
    publish: [{ topic: output, records: at(0) }, { topic: output, records: at(1) }],
    commit: { subscription, offsets: [{ topic: input, partition: 0, offset: 1 }] },
  });
  assertEquals(await committed(group), [0, 0]);
  assertEquals((await client.publish(output, at(0))).offsets, [[0, 0]]);
});

Deno.test("its parts each take a sequence, rising; the next publish continues from there", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const part = (sequence: number) => ({
    topic,
    records: at(sequence % 2, sequence),
    producer: { ...producer, sequence },
  });
  await client.request({ type: "transact", publish: [part(0), part(1), part(2)] });
  await client.publish(topic, at(0), { ...producer, sequence: 3 });
  const gap = await client.refused("sequence_gap", {
    type: "transact",
    publish: [part(5), part(6)],
  });
  assertEquals(gap.expected, 4);
});

Deno.test("a duplicate gets its original offsets, in a later session too, and its commit is ignored", async () => {
  const output = await makeTopic(shared.gateway, 2);
  await using owner = await Client.open(shared.gateway);
  const { input, group, subscription } = await consuming(owner);
  const { producer } = await owner.initProducer();
  const transact = {
    type: "transact",
    publish: [
      { topic: output, records: at(0), producer: { ...producer, sequence: 0 } },
      { topic: output, records: at(1), producer: { ...producer, sequence: 1 } },
    ],
    commit: { subscription, offsets: [{ topic: input, partition: 0, offset: 1 }] },
  };
  const first = await owner.request<Transacted>(transact);
  await using later = await Client.open(shared.gateway);
  for (const client of [owner, later]) {
    const again = await client.request<Transacted>(transact);
    assertEquals([again.offsets, again.duplicate], [first.offsets, true]);
  }
  assertEquals(await committed(group), [1, 0]);
  const { partitions } = await describeTopic(shared.gateway, output);
  assertEquals(partitions.map(({ next }) => next), [1, 1]);
});

Deno.test("where only some parts of a transact are stored it is sequence_too_old and stores nothing", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  await client.publish(topic, at(0), { ...producer, sequence: 0 });
  await using other = await Client.open(shared.gateway);
  await other.refused("sequence_too_old", {
    type: "transact",
    publish: [
      { topic, records: at(0), producer: { ...producer, sequence: 0 } },
      { topic, records: at(1), producer: { ...producer, sequence: 1 } },
    ],
  });
  const { partitions } = await describeTopic(shared.gateway, topic);
  assertEquals(partitions.map(({ next }) => next), [1, 0]);
});

Deno.test("a part over the limits of a publish is batch_too_large", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { publishRecords } = client.welcome.limits;
  const many = Array.from({ length: publishRecords! + 1 }, () => ({ value: 0 }));
  await client.refused("batch_too_large", {
    type: "transact",
    publish: [{ topic, records: at(0) }, { topic, records: many }],
  });
});

Deno.test("a transact larger than one store write is transaction_too_large", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await makeTopic(shared.gateway, 1);
  const heavy = Array.from({ length: 2 }, () => ({ value: "v".repeat(240_000) }));
  await client.refused("transaction_too_large", {
    type: "transact",
    publish: [{ topic, records: heavy }, { topic, records: heavy }],
  });
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 0]]);
});

Deno.test("a transact to more topics than one store write takes creates none of them", async () => {
  await using client = await Client.open(shared.gateway);
  const names = Array.from({ length: 9 }, () => fresh("topic"));
  const publish = names.map((topic) => ({ topic, records: at(0) }));
  await client.refused("transaction_too_large", { type: "transact", publish });
  for (const topic of names) {
    await json(shared.gateway, "GET", `/v1/topics/${topic}`, undefined, 404);
  }
  const { offsets } = await client.request<Transacted>({
    type: "transact",
    publish: publish.slice(1),
  });
  assertEquals(offsets.map((ofPart) => ofPart.map(([, offset]) => offset)), Array(8).fill([0]));
});

Deno.test("a malformed transact is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const good = { topic, records: at(0) };
  for (
    const rest of [
      {},
      { publish: good },
      { publish: [good, null] },
      { publish: [good, { topic, records: [] }] },
      { publish: [good, { topic, records: [{}] }] },
      { publish: [good], commit: [] },
      { publish: [good], commit: { subscription: 1 } },
    ]
  ) await client.refused("invalid_frame", { type: "transact", ...rest });
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 0]]);
});

Deno.test("a transact with two epochs of one producer is an invalid_frame, and hurts nobody else", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const part = (epoch: number, sequence: number) => ({
    topic,
    records: at(0),
    producer: { ...producer, epoch, sequence },
  });
  for (const sequence of [0, 1]) {
    const publish = [part(producer.epoch, 0), part(producer.epoch + 1, sequence)];
    await client.refused("invalid_frame", { type: "transact", publish });
  }
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 0]]);
});

Deno.test("a transact that is out of order names the sequence that is expected", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const transact = (...sequences: readonly number[]) => ({
    type: "transact",
    publish: sequences.map((sequence) => ({
      topic,
      records: at(0, sequence),
      producer: { ...producer, sequence },
    })),
  });
  const next = async (...sequences: readonly number[]) => {
    const { expected, message } = await client.refused("sequence_gap", transact(...sequences));
    assertMatch(message, /: it is not the next one of this producer$/);
    return expected;
  };
  assertEquals(await next(0, 2), 0, "of the first ones");
  for (const sequence of [0, 1]) {
    await client.publish(topic, at(1), { ...producer, sequence });
  }
  assertEquals(await next(2, 2), 2, "of one that is there twice");
  assertEquals(await next(1, 2), 2, "behind one that is stored elsewhere");
  assertEquals(await next(3, 4), 2, "of later ones");
  const { offsets } = await client.request<Transacted>(transact(2, 3));
  assertEquals(offsets, [[[0, 0]], [[0, 1]]]);
});

Deno.test("a transact that is refused for two epochs of one producer leaves its sequences as they were", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const publish = (sequence: number, epoch = producer.epoch, records: unknown[] = at(0)) => ({
    type: "publish",
    topic,
    records,
    producer: { ...producer, epoch, sequence },
  });
  await client.request(publish(0));
  for (const records of [at(0), []]) {
    const parts = [publish(1), publish(1, producer.epoch + 1, records)];
    await client.refused("invalid_frame", { type: "transact", publish: parts });
    const gap = await client.refused("sequence_gap", publish(7));
    assertEquals(gap.expected, 1);
  }
  assertEquals((await client.request<Published>(publish(1))).offsets, [[0, 1]]);
});
