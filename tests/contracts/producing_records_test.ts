/** Section 2 of the page: what a record may hold, where it goes, and how large it may be. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { SentRecord } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";
import { murmur2, partitionOfKey, partitionOfSequence } from "../support/murmur2.ts";

const shared = Gateway.shared();

Deno.test("offsets are [partition, offset] in record order; those of one partition are contiguous", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  await using client = await Client.open(shared.gateway);
  const { offsets } = await client.publish(
    topic,
    [2, 0, 2, 2, 1, 0].map((partition, value) => ({ value, partition })),
  );
  assertEquals(offsets, [[2, 0], [0, 0], [2, 1], [2, 2], [1, 0], [0, 1]]);
});

Deno.test("records of one publish stay together in their partition, whoever else publishes", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const clients = await Promise.all(Array.from({ length: 4 }, () => Client.open(shared.gateway)));
  const batches = await Promise.all(
    clients.flatMap((client, who) =>
      Array.from({ length: 25 }, (_, batch) =>
        client.publish(
          topic,
          Array.from({ length: 5 }, (_, n) => ({ value: [who, batch, n], partition: 0 })),
        ))
    ),
  );
  for (const { offsets } of batches) {
    assertEquals(offsets.map(([, offset]) => offset - offsets[0]![1]), [0, 1, 2, 3, 4]);
  }
  const taken = batches.flatMap(({ offsets }) => offsets.map(([, offset]) => offset));
  assertEquals(taken.toSorted((a, b) => a - b), Array.from({ length: 500 }, (_, n) => n));
  const { subscription } = await clients[0]!.subscribe(topic, { from: "earliest" });
  const delivered = await clients[0]!.records(subscription, 500);
  for (let at = 0; at < 500; at += 5) {
    const [who, batch] = delivered[at]!.value as number[];
    const values = delivered.slice(at, at + 5).map(({ value }) => value);
    assertEquals(values, [0, 1, 2, 3, 4].map((n) => [who, batch, n]));
  }
  for (const client of clients) await client.close();
});

Deno.test("any JSON value comes back as equal JSON", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const texts = [
    ...["null", "true", "false", "0", "-0", "1", "-1.5", "1e21", "1E-7", "0.1", "5e-324"],
    ...["9007199254740993", "123456789012345678901234567890", "1.7976931348623157e308"],
    ...[
      '""',
      '"a"',
      '"\\u0000\\u001f\\u007f"',
      '"\\ud83d\\ude97 🚗"',
      '"\\/\\b\\f\\n\\r\\t\\"\\\\"',
    ],
    ...['"\\ud800"', '"\\udc00 alone"', '"\u2028\u2029"', '"\ufeff"', '"]}\\u007b,"'],
    ...["[]", "{}", "[[[[1]]]]", '{"a":{"b":[{"c":null}]}}', ' { "a" : [ 1 , 2 ] } '],
    ...['{"__proto__":{"x":1}}', '{"constructor":1,"prototype":2}', '{"":1}', '{"a":1,"a":2}'],
    ...['{"offset":7,"key":"not mine"}', `"${"x".repeat(10_000)}"`],
  ];
  const records = texts.map((text) => `{"value":${text}}`).join(",");
  client.sendText(`{"type":"publish","id":1000,"topic":"${topic}","records":[${records}]}`);
  assertEquals((await client.reply(1000)).type, "ok");
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, texts.length);
  for (const [index, text] of texts.entries()) {
    assertEquals(JSON.stringify(delivered[index]!.value), JSON.stringify(JSON.parse(text)), text);
  }
});

Deno.test("key, headers and timestamp come back as they were sent, and are absent if they were", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const sent: SentRecord[] = [
    { value: 1 },
    { value: 2, key: "" },
    { value: 3, key: 'quo"te \\ \n \u0000 ключ 🚕', headers: { "trace id": "ä\u0001", "": "" } },
    { value: 4, headers: { __proto__x: "1", constructor: "2" }, timestamp: 0 },
    { value: 5, timestamp: 2 ** 53 - 1 },
  ];
  const before = Date.now();
  await client.publish(topic, sent);
  const after = Date.now();
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  for (const [offset, record] of (await client.records(subscription, sent.length)).entries()) {
    const { timestamp, topic: _, partition: __, ...rest } = record;
    const { timestamp: given, ...expected } = sent[offset]!;
    assertEquals<unknown>(rest, { offset, ...expected });
    if (given !== undefined) assertEquals(timestamp, given);
    else assert(timestamp >= before && timestamp <= after, "the default is when it was appended");
  }
});

Deno.test("encoding base64 says that the value is the base64 of bytes; else it is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const good = ["", "AA==", "AAE=", "AAEC", "/+8=", "SGVsbG8sIHdvcmxkIQ=="];
  await client.publish(topic, good.map((value) => ({ value, encoding: "base64" as const })));
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, good.length);
  assertEquals(delivered.map(({ value }) => value), good);
  assertEquals(new Set(delivered.map(({ encoding }) => encoding)), new Set(["base64" as const]));
  for (const value of ["A", "####", "AA=A", "A===", "AA==AA==", " AA==", 5, null, ["AA=="]]) {
    const record = { value, encoding: "base64" };
    await client.refused("invalid_frame", { type: "publish", topic, records: [record] });
  }
  const hex = { value: "00", encoding: "hex" };
  await client.refused("invalid_frame", { type: "publish", topic, records: [hex] });
});

Deno.test("a malformed record is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const records: unknown[] = [
    ...[null, 5, "text", [], {}, { key: "without a value" }],
    ...[null, 5, true, ["a"], "\ud800", "a\udc00b"].map((key) => ({ key, value: 1 })),
    ...[[], "a", { a: 1 }, { a: null }].map((headers) => ({ headers, value: 1 })),
    ...[-1, 1.5, "0", null].map((partition) => ({ partition, value: 1 })),
    ...[1.5, 2 ** 53, "now", null].map((timestamp) => ({ timestamp, value: 1 })),
  ];
  for (const record of records) {
    await client.refused("invalid_frame", {
      type: "publish",
      topic,
      records: [{ value: "good" }, record],
    });
  }
  assertEquals((await client.publish(topic, [{ value: 1 }])).offsets, [[0, 0]]);
});

Deno.test("murmur2 of the UTF-8 key agrees with Kafka's", () => {
  // Kafka's own vectors, to verify the copy of murmur2 in the tests.
  const vectors: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [text, hash] of vectors) assertEquals(murmur2(text), hash, text);
});

Deno.test("the partition is the one given, else murmur2 of the key modulo the count", async () => {
  await using client = await Client.open(shared.gateway);
  const keys = ["", "21", "foobar", "abc", "ключ", "🚕", "a\u0000b", "x".repeat(1000)];
  for (let n = 0; n < 50; n++) keys.push(`driver-${n}`);
  for (const partitions of [1, 7, 8, 1024]) {
    const topic = await makeTopic(shared.gateway, partitions);
    const { offsets } = await client.publish(topic, keys.map((key) => ({ key, value: 0 })));
    const expected = keys.map((key) => partitionOfKey(key, partitions));
    assertEquals(offsets.map(([partition]) => partition), expected);
    const given = await client.publish(topic, [
      { key: "21", value: 0, partition: partitions - 1 },
    ]);
    assertEquals(given.offsets[0]![0], partitions - 1);
  }
});

Deno.test("records without a key go to one partition per publish, rotating", async () => {
  const topic = await makeTopic(shared.gateway, 5);
  await using client = await Client.open(shared.gateway);
  const partitions: number[] = [];
  for (let n = 0; n < 10; n++) {
    const { offsets } = await client.publish(topic, [{ value: n }, { value: n }, { value: n }]);
    assertEquals(new Set(offsets.map(([partition]) => partition)).size, 1);
    partitions.push(offsets[0]![0]);
  }
  const times = [0, 1, 2, 3, 4].map((p) => partitions.filter((found) => found === p).length);
  assertEquals(times, [2, 2, 2, 2, 2]);
});

Deno.test("with a producer, records without a key go by its id and the sequence, also when repeated", async () => {
  const topic = await makeTopic(shared.gateway, 5);
  await using client = await Client.open(shared.gateway);
  const { producer } = await client.initProducer();
  for (let sequence = 0; sequence < 7; sequence++) {
    const stamp = { ...producer, sequence };
    const records = [{ value: 1 }, { value: 2, key: "21" }, { value: 3 }];
    const { offsets } = await client.publish(topic, records, stamp);
    const spread = partitionOfSequence(producer.id, sequence, 5);
    assertEquals(offsets.map(([p]) => p), [spread, partitionOfKey("21", 5), spread]);
    const repeated = await client.publish(topic, records, stamp);
    assertEquals([repeated.offsets, repeated.duplicate], [offsets, true]);
  }
});

Deno.test("one publish is all or nothing", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const records = [{ value: 1, partition: 0 }, { value: 2, partition: 1 }, {
    value: 3,
    partition: 2,
  }];
  await client.refused("unknown_partition", { type: "publish", topic, records });
  const { offsets } = await client.publish(topic, records.slice(0, 2));
  assertEquals(offsets, [[0, 0], [1, 0]]);
});

Deno.test("a publish has 1 to publishRecords records", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { publishRecords } = client.welcome.limits;
  const records = Array.from({ length: publishRecords! + 1 }, (_, value) => ({ value }));
  await client.refused("invalid_frame", { type: "publish", topic, records: [] });
  await client.refused("batch_too_large", { type: "publish", topic, records });
  assertEquals((await client.publish(topic, records.slice(1))).offsets.at(-1), [
    0,
    publishRecords! - 1,
  ]);
});

Deno.test("a record has at most recordBytes: the UTF-8 of key, headers and value's JSON", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { recordBytes } = client.welcome.limits;
  const besides = [{}, { key: "ключ🚕" }, { headers: { "имя": "значение", b: "" } }];
  const utf8 = [0, 12, 6 + 16 + 1];
  for (const [index, more] of besides.entries()) {
    const length = recordBytes! - utf8[index]! - 2;
    const fits = { ...more, value: "v".repeat(length) };
    const exceeds = { ...more, value: "v".repeat(length + 1) };
    await client.refused("record_too_large", { type: "publish", topic, records: [exceeds] });
    assertEquals((await client.publish(topic, [fits])).offsets, [[0, index]]);
  }
});

Deno.test("a publish has at most publishBytes, added up, and touches at most publishPartitions", async () => {
  const topic = await makeTopic(shared.gateway, 200);
  await using client = await Client.open(shared.gateway);
  const { publishBytes, publishPartitions } = client.welcome.limits;
  const quarter = "v".repeat(publishBytes! / 4 - 2);
  const records = Array.from({ length: 4 }, () => ({ value: quarter, partition: 0 }));
  assertEquals((await client.publish(topic, records)).offsets.length, 4);
  await client.refused("batch_too_large", {
    type: "publish",
    topic,
    records: [...records, { value: 1, partition: 0 }],
  });
  const wide = Array.from({ length: publishPartitions! + 1 }, (_, partition) => ({
    value: 1,
    partition,
  }));
  assertEquals((await client.publish(topic, wide.slice(1))).offsets.length, publishPartitions);
  await client.refused("batch_too_large", { type: "publish", topic, records: wide });
});

Deno.test("the largest record and the largest publish come back whole", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { recordBytes } = client.welcome.limits;
  const value = Array.from({ length: 2 }, (_, n) => `${n}`.repeat(recordBytes! - 2));
  await client.publish(topic, value.map((text) => ({ value: text })));
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, 2);
  for (const [n, record] of delivered.entries()) {
    assert(record.value === value[n], `record ${n} differs`);
  }
  assertNotEquals(delivered[0]!.value, delivered[1]!.value);
});
