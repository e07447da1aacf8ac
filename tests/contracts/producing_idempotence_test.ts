/** Section 2 of the page: producers, duplicates, sequences, fencing. */

import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { Client, type Reply } from "../support/client.ts";
import type { ErrorReply, Published, Stamp } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { fresh, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

const at = (partition: number, value: unknown = 0) => [{ value, partition }];

const publishFrame = (topic: string, producer: Stamp, partition = 0) => ({
  type: "publish",
  topic,
  records: at(partition, producer.sequence),
  producer,
});

const outcomes = (replies: readonly Reply[]): string[] =>
  replies.map((reply) =>
    reply.type === "error" ? reply.code : "duplicate" in reply ? "duplicate" : "ok"
  );

Deno.test("initProducer gives an id that cannot be guessed, an epoch and how long it is kept", async () => {
  await using client = await Client.open(shared.gateway);
  const given = await client.initProducer();
  assertEquals(typeof given.producer.id, "string");
  assert(given.producer.id.length >= 20, given.producer.id);
  assert(Number.isSafeInteger(given.producer.epoch));
  assertEquals(given.keptMs, 24 * 3_600_000);
  assertNotEquals((await client.initProducer()).producer.id, given.producer.id);
});

Deno.test("the same name again is the same id with a higher epoch, which fences the older one", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await using other = await Client.open(shared.gateway);
  const name = fresh("producer");
  const { producer: older } = await client.initProducer(name);
  const first = await client.publish(topic, at(0), { ...older, sequence: 0 });
  const { producer: newer } = await other.initProducer(name);
  assertEquals(newer.id, older.id);
  assertGreater(newer.epoch, older.epoch);
  await other.publish(topic, at(0), { ...newer, sequence: 0 });
  const stale = { ...older, sequence: 1 };
  await client.refused("producer_fenced", publishFrame(topic, stale));
  const repeat = await client.publish(topic, at(0), { ...older, sequence: 0 });
  assertEquals([repeat.offsets, repeat.duplicate], [first.offsets, true]);
});

Deno.test("twenty sessions that take one name at once get twenty rising epochs", async () => {
  const name = fresh("producer");
  const clients = await Promise.all(Array.from({ length: 4 }, () => Client.open(shared.gateway)));
  const given = await Promise.all(
    clients.flatMap((client) => Array.from({ length: 5 }, () => client.initProducer(name))),
  );
  assertEquals(new Set(given.map(({ producer }) => producer.id)).size, 1);
  assertEquals(new Set(given.map(({ producer }) => producer.epoch)).size, 20);
  for (const client of clients) await client.close();
});

Deno.test("an epoch that the partition does not know and that was given out long ago is producer_unknown", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const dayAndMore = producer.epoch - 25 * 3_600_000;
  const stamp = { id: producer.id, epoch: dayAndMore, sequence: 0 };
  await client.refused("producer_unknown", publishFrame(topic, stamp));
});

Deno.test("a duplicate gets its original offsets and stores nothing, in any session", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  await using other = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const stamp = { ...producer, sequence: 0 };
  const records = [...at(0, "a"), ...at(1, "b"), ...at(0, "c")];
  const first = await client.publish(topic, records, stamp);
  assertEquals(first.duplicate, undefined);
  for (const session of [client, other, client]) {
    const again = await session.publish(topic, records, stamp);
    assertEquals([again.offsets, again.duplicate], [first.offsets, true]);
  }
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 2]]);
});

Deno.test("a duplicate that is sent while the first is still unanswered stores nothing either", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await using other = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  for (let sequence = 0; sequence < 20; sequence++) {
    const frame = publishFrame(topic, { ...producer, sequence });
    const sent = await Promise.all([
      client.request<Published>(frame),
      client.request<Published>(frame),
      other.request<Published>(frame),
    ]);
    for (const { offsets } of sent) assertEquals(offsets, [[0, sequence]]);
    assertEquals(sent.filter(({ duplicate }) => duplicate).length, 2);
  }
});

Deno.test("sequences run over all topics and all partitions of a producer", async () => {
  const one = await makeTopic(shared.gateway, 4);
  const other = await makeTopic(shared.gateway, 4);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const frames = Array.from(
    { length: 20 },
    (_, sequence) =>
      publishFrame(sequence % 3 ? one : other, { ...producer, sequence }, sequence % 4),
  );
  assertEquals(new Set(outcomes(await client.all(frames))), new Set(["ok"]));
});

Deno.test("publishes of a producer take effect in order, though the first one makes its topic", async () => {
  const known = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const topics = [fresh("auto"), known, fresh("auto"), known, known];
  const frames = topics.map((topic, sequence) => publishFrame(topic, { ...producer, sequence }));
  assertEquals(outcomes(await client.all(frames)), Array(5).fill("ok"));
});

Deno.test("in one session sequences rise by one from any first one, else sequence_gap with expected", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  await client.publish(topic, at(0), { ...producer, sequence: 7 });
  const gap = await client.refused(
    "sequence_gap",
    publishFrame(topic, { ...producer, sequence: 9 }),
  );
  assertEquals(gap.expected, 8);
  await client.publish(topic, at(0), { ...producer, sequence: 8 });
  await client.publish(topic, at(0), { ...producer, sequence: 9 });
});

Deno.test("publishes behind a failed one are sequence_gaps, until it is resent", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const frame = (sequence: number, partition: number) =>
    publishFrame(topic, { ...producer, sequence }, partition);
  const replies = await client.all([0, 9, 0, 1].map((where, n) => frame(n, where)));
  assertEquals(outcomes(replies), ["ok", "unknown_partition", "sequence_gap", "sequence_gap"]);
  assertEquals(replies.slice(2).map((reply) => (reply as ErrorReply).expected), [1, 1]);
  // Refused with effect "none" and retry "never": the sequence is free for other records.
  const resent = await client.all([1, 0, 1].map((where, n) => frame(n + 1, where)));
  assertEquals(outcomes(resent), ["ok", "ok", "ok"]);
  assertEquals(resent.map((reply) => (reply as unknown as Published).offsets), [
    [[1, 0]],
    [[0, 1]],
    [[1, 1]],
  ]);
});

Deno.test("an invalid publish takes no sequence", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  await client.publish(topic, at(0), { ...producer, sequence: 0 });
  const bad = { ...publishFrame(topic, { ...producer, sequence: 1 }), records: [{}] };
  await client.refused("invalid_frame", bad);
  await client.publish(topic, at(0), { ...producer, sequence: 1 });
});

Deno.test("a duplicate among the 64 highest sequences gets its original offsets, an older one is never stored", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  for (let from = 0; from < 300; from += 50) {
    const frames = Array.from(
      { length: 50 },
      (_, n) => publishFrame(topic, { ...producer, sequence: from + n }),
    );
    assertEquals(new Set(outcomes(await client.all(frames))), new Set(["ok"]));
  }
  for (const sequence of [299, 250, 236]) {
    await using session = await Client.open(shared.gateway);
    const again = await session.publish(topic, at(0, sequence), { ...producer, sequence });
    assertEquals([again.offsets, again.duplicate], [[[0, sequence]], true]);
  }
  await using session = await Client.open(shared.gateway);
  const [old] = await session.all([publishFrame(topic, { ...producer, sequence: 5 })]);
  if (old!.type === "error") assertEquals(old!.code, "sequence_too_old");
  else assertEquals((old as unknown as Published).offsets, [[0, 5]]);
  // The session may then continue with any sequence.
  await session.publish(topic, at(0), { ...producer, sequence: 300 });
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 301]]);
});

Deno.test("a sequence below those in the partition, and not stored itself, is sequence_too_old for ever", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const { producer } = await (async () => {
    await using client = await Client.open(shared.gateway);
    const given = await client.initProducer();
    await client.publish(topic, at(0), { ...given.producer, sequence: 5 });
    return given;
  })();
  await using client = await Client.open(shared.gateway);
  await client.refused("sequence_too_old", publishFrame(topic, { ...producer, sequence: 3 }));
  await client.refused("sequence_too_old", publishFrame(topic, { ...producer, sequence: 3 }));
  // Any sequence may follow; partition 1 has nothing of this epoch yet.
  await client.publish(topic, at(1), { ...producer, sequence: 4 });
  assertEquals((await client.publish(topic, at(0))).offsets, [[0, 1]]);
});

Deno.test("64 publishes of a producer may be unanswered, more are overloaded", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const frames = Array.from(
    { length: 192 },
    (_, sequence) => publishFrame(topic, { ...producer, sequence }),
  );
  const [first, ...rest] = await Promise.all(
    [0, 64, 128].map((from) => client.all(frames.slice(from, from + 64))),
  );
  assertEquals(new Set(outcomes(first!)), new Set(["ok"]));
  const others = rest.flatMap(outcomes);
  assert(others.includes("overloaded"), `none of ${others.length} was overloaded`);
  const stored = 64 + others.filter((outcome) => outcome === "ok").length;
  const gap = rest.flat().find((reply) => reply.type === "error" && reply.code === "sequence_gap");
  if (gap) assert((gap as ErrorReply).expected! <= stored);
  await client.publish(topic, at(0), { ...producer, sequence: stored });
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, stored + 1);
  assertEquals(
    delivered.slice(0, stored).map(({ value }) => value),
    Array.from({ length: stored }, (_, n) => n),
    "what was stored has no hole",
  );
});

Deno.test("a new epoch begins at 0 again, and repeats nothing of an older one", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const name = fresh("producer");
  for (let epoch = 0; epoch < 3; epoch++) {
    const { producer } = await client.initProducer(name);
    for (let sequence = 0; sequence < 3; sequence++) {
      const { offsets, duplicate } = await client.publish(topic, at(0), { ...producer, sequence });
      assertEquals([offsets, duplicate], [[[0, epoch * 3 + sequence]], undefined]);
    }
  }
});

Deno.test("a producer's stamp has an id, an epoch and a sequence, or the frame is invalid", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const stamps = [
    ...[null, "id", [], {}, producer],
    ...[-1, 1.5, "0", 2 ** 53, null].map((sequence) => ({ ...producer, sequence })),
    ...[-1, 0.5, "1", 2 ** 53].map((epoch) => ({ ...producer, epoch, sequence: 0 })),
    ...[1, null, ""].map((id) => ({ ...producer, id, sequence: 0 })),
  ];
  for (const stamp of stamps) {
    const frame = { type: "publish", topic, records: at(0), producer: stamp };
    await client.refused("invalid_frame", frame);
  }
});

/** First publishes that are refused before their sequence is checked. */
const refusedUnread: readonly [why: string, code: string, records: readonly object[]][] = [
  ["its record is too large", "record_too_large", at(0, "x".repeat(262_145))],
  ["it has too many records", "batch_too_large", Array(1_001).fill(at(0)[0])],
  ["its record is none", "invalid_frame", [{ value: 1, partition: 1.5 }]],
];

for (const [why, code, records] of refusedUnread) {
  Deno.test(`the first sequence is waited for, though ${why}`, async () => {
    const topic = await makeTopic(shared.gateway, 1);
    await using client = await Client.open(shared.gateway);
    const { producer } = await client.initProducer();
    const first = { ...producer, sequence: 0 };
    const second = { ...producer, sequence: 1 };
    const replies = await client.all([
      { type: "publish", topic, records, producer: first },
      publishFrame(topic, second),
    ]);
    assertEquals(outcomes(replies), [code, "sequence_gap"]);
    assertEquals((replies[1] as ErrorReply).expected, 0);
    assertEquals((await client.publish(topic, at(0, "other"), first)).offsets, [[0, 0]]);
    assertEquals((await client.publish(topic, at(0), second)).offsets, [[0, 1]]);
  });
}

Deno.test("the first sequence is waited for, though its transaction is refused unread", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  const parts = [
    { topic, records: at(0), producer: { ...producer, sequence: 0 } },
    { topic, records: at(0) },
  ];
  const [refused, behind] = await client.all([
    { type: "transact", publish: parts },
    publishFrame(topic, { ...producer, sequence: 1 }),
  ]);
  assertEquals(outcomes([refused!, behind!]), ["invalid_frame", "sequence_gap"]);
});
