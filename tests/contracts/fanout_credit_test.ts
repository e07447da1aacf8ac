/** Section 3 of the page: how much is pushed, what happens to slow readers, and reading by key. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { SentRecord } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";
import { partitionOfKey } from "../support/murmur2.ts";

const shared = Gateway.shared();

const values = (count: number, partition = 0): SentRecord[] =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

const offsetsOf = (records: readonly { offset: number }[]) => records.map(({ offset }) => offset);

Deno.test("the default credit is 500 records, and no bound in bytes", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  for (let n = 0; n < 12; n++) {
    const records = Array.from({ length: 50 }, () => ({ value: "x".repeat(5_000), partition: 0 }));
    await client.publish(topic, records);
  }
  await client.settled(subscription, { partition: 0, next: 500, end: 600 });
  assertEquals(client.delivered(subscription).length, 500);
});

Deno.test("records are never overdrawn, and go on where they stopped when credit comes", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, { credit: { records: 3 } });
  await client.publish(topic, values(20));
  await client.settled(subscription, { partition: 0, next: 3, end: 20 });
  client.send({ type: "credit", subscription, records: 1 });
  await client.settled(subscription, { partition: 0, next: 4, end: 20 });
  client.send({ type: "credit", subscription, records: 100 });
  assertEquals((await client.records(subscription, 20)).length, 20);
});

Deno.test("a subscription without credit is pushed nothing until it has some", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(4));
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    credit: { records: 0 },
  });
  await client.publish(topic, values(1));
  await client.settled(subscription, { partition: 0, next: 0, end: 5 });
  assertEquals(client.delivered(subscription).length, 0);
  client.send({ type: "credit", subscription, records: 2 });
  await client.records(subscription, 2);
});

Deno.test("bytes are overdrawn only by the last record, and counted as recordBytes counts", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const record = { key: "ключ", headers: { имя: "я" }, value: { a: "é" }, partition: 0 };
  const each = 8 + 6 + 2 + new TextEncoder().encode(JSON.stringify(record.value)).length;
  await client.publish(topic, Array(10).fill(record));
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    credit: { records: 100, bytes: 2 * each + 1 },
  });
  await client.settled(subscription, { partition: 0, next: 3, end: 10 });
  const sum = () => client.pushes("records").reduce((bytes, push) => bytes + push.bytes, 0);
  assertEquals(sum(), 3 * each);
  // The overdraft counts: this brings the balance to 1 - each + each = 1, enough for one more.
  client.send({ type: "credit", subscription, bytes: each });
  await client.settled(subscription, { partition: 0, next: 4, end: 10 });
  client.send({ type: "credit", subscription, bytes: each - 1 });
  await client.settled(subscription, { partition: 0, next: 4, end: 10 });
  client.send({ type: "credit", subscription, bytes: 1 });
  await client.settled(subscription, { partition: 0, next: 5, end: 10 });
  assertEquals(sum(), 5 * each);
});

Deno.test("credit belongs to the subscription, whose partitions are served in turn", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  await using client = await Client.open(shared.gateway);
  for (let partition = 0; partition < 4; partition++) {
    for (let n = 0; n < 20; n++) await client.publish(topic, values(20, partition));
  }
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    credit: { records: 8 },
  });
  for (let rounds = 1; rounds <= 10; rounds++) {
    await client.records(subscription, 8 * rounds);
    client.send({ type: "credit", subscription, records: 8 });
  }
  const served = new Set(client.delivered(subscription).map(({ partition }) => partition));
  assertEquals(served.size, 4, "each partition was served although none ran dry");
});

Deno.test("a balance stops at 100,000 records, whatever is granted", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, { credit: { records: 100_000 } });
  for (let n = 0; n < 5; n++) client.send({ type: "credit", subscription, records: 90_000 });
  await client.beat();
  const small = Array.from({ length: 1000 }, () => ({ value: 0, partition: 0 }));
  await Promise.all(Array.from({ length: 102 }, () => client.publish(topic, small)));
  await client.settled(subscription, { partition: 0, next: 100_000, end: 102_000 });
});

Deno.test("a malformed credit is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  for (const records of [-1, 1.5, "1", null, 2 ** 53]) {
    await client.refused("invalid_frame", { type: "credit", subscription, records });
  }
  await client.refused("invalid_frame", { type: "credit", subscription, bytes: -1 });
  await client.refused("invalid_frame", { type: "credit", records: 1 });
});

Deno.test("onSlow drop: when credit comes again, one gap up to the head", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, {
    onSlow: "drop",
    credit: { records: 2 },
  });
  await client.publish(topic, values(10));
  await client.settled(subscription, { partition: 0, next: 2, end: 10 });
  client.send({ type: "credit", subscription, records: 5 });
  const gap = await client.until("gap");
  assertEquals([gap.from, gap.to, gap.reason], [2, 10, "slow"]);
  await client.publish(topic, values(1));
  assertEquals(offsetsOf(await client.records(subscription, 3)), [0, 1, 10]);
  await client.beat();
  assertEquals(client.pushes("gap").length, 1);
});

Deno.test("onSlow drop: a subscription that begins without credit counts as run out", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(4));
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    onSlow: "drop",
    credit: { records: 0 },
  });
  client.send({ type: "credit", subscription, records: 5 });
  const gap = await client.until("gap");
  assertEquals([gap.from, gap.to, gap.reason], [0, 4, "slow"]);
});

Deno.test("onSlow latest: the gap, then of the skipped records the last of each key", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, {
    onSlow: "latest",
    credit: { records: 1 },
  });
  const keys = ["a", "a", "b", undefined, "a", "c", undefined];
  await client.publish(
    topic,
    keys.map((key, value) => ({ value, partition: 0, ...(key ? { key } : {}) })),
  );
  await client.settled(subscription, { partition: 0, next: 1, end: 7 });
  client.send({ type: "credit", subscription, records: 10 });
  const kept = await client.until("records", (push) => push.kept === true);
  const gap = await client.until("gap");
  assertEquals([gap.from, gap.to, gap.reason], [1, 7, "slow"]);
  assertEquals(offsetsOf(kept.records), [2, 4, 5]);
  assertEquals(kept.next, 7);
  await client.publish(topic, values(1));
  assertEquals((await client.records(subscription, 5)).at(-1)!.offset, 7);
});

Deno.test("onSlow latest: newest first as far as the credit goes", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, {
    onSlow: "latest",
    credit: { records: 0 },
  });
  const keys = Array.from({ length: 9 }, (_, n) => `key-${n}`);
  await client.publish(topic, keys.map((key) => ({ key, value: key, partition: 0 })));
  client.send({ type: "credit", subscription, records: 3 });
  const kept = await client.until("records", (push) => push.kept === true);
  assertEquals(offsetsOf(kept.records), [6, 7, 8]);
});

Deno.test("onSlow latest: where all skipped records have no key there is only the gap", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, {
    onSlow: "latest",
    credit: { records: 0 },
  });
  await client.publish(topic, values(3));
  client.send({ type: "credit", subscription, records: 3 });
  assertEquals((await client.until("gap")).to, 3);
  await client.publish(topic, values(1));
  assertEquals(offsetsOf(await client.records(subscription, 1)), [3]);
});

Deno.test("onSlow latest: the last of a key is looked for in the last 10,000 records", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, {
    onSlow: "latest",
    credit: { records: 0 },
  });
  await client.publish(topic, [{ key: "long ago", value: 1, partition: 0 }]);
  const thousands = (count: number) =>
    Promise.all(Array.from({ length: count }, () => client.publish(topic, values(1_000))));
  await thousands(11);
  await client.publish(topic, [{ key: "lately", value: 2, partition: 0 }]);
  await thousands(9);
  client.send({ type: "credit", subscription, records: 100 });
  const kept = await client.until("records", (push) => push.kept === true);
  assertEquals(kept.records.map(({ key }) => key), ["lately"]);
  assertEquals(kept.next, 20_002);
});

Deno.test("keys: only records with one of these, in the partitions that the partitioner gives", async () => {
  const topic = await makeTopic(shared.gateway, 8);
  await using client = await Client.open(shared.gateway);
  const keys = ["driver-1", "driver-2", "", "ключ"];
  const { subscription, positions } = await client.subscribe(topic, { keys });
  const expected = new Set(keys.map((key) => partitionOfKey(key, 8)));
  assertEquals(new Set(positions.map(({ partition }) => partition)), expected);
  assertEquals(positions.length, expected.size);
  const others = Array.from({ length: 100 }, (_, n) => ({ key: `other-${n}`, value: n }));
  const own = keys.map((key) => ({ key, value: key }));
  await client.publish(topic, [...others, ...own, ...others, { value: "no key" }]);
  await client.publish(topic, own);
  const delivered = await client.records(subscription, 8);
  assertEquals(delivered.map(({ key }) => key).toSorted(), [...keys, ...keys].toSorted());
});

Deno.test("keys: offsets jump without a gap; next and heads go on", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, { keys: ["mine"] });
  const theirs = Array.from({ length: 5 }, (_, n) => ({ key: `their-${n}`, value: n }));
  await client.publish(topic, theirs);
  await client.publish(topic, [...theirs, { key: "mine", value: 1 }, ...theirs]);
  assertEquals(offsetsOf(await client.records(subscription, 1)), [10]);
  await client.settled(subscription, { partition: 0, next: 16, end: 16 });
  assertEquals(client.pushes("gap").length, 0);
});

Deno.test("keys: reading from the start finds what was stored before, credit counts what is pushed", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  for (let n = 0; n < 10; n++) {
    await client.publish(topic, [{ key: "mine", value: n }, { key: "their", value: n }]);
  }
  const { subscription } = await client.subscribe(topic, {
    keys: ["mine"],
    from: "earliest",
    credit: { records: 4 },
  });
  assertEquals(offsetsOf(await client.records(subscription, 4)), [0, 2, 4, 6]);
  client.send({ type: "credit", subscription, records: 10 });
  await client.settled(subscription, { partition: 0, next: 20, end: 20 });
  assertEquals(client.delivered(subscription).length, 10);
});

Deno.test("keys with partitions: those of the partitions that hold one of the keys", async () => {
  const topic = await makeTopic(shared.gateway, 8);
  await using client = await Client.open(shared.gateway);
  const [inside, outside] = ["driver-1", "driver-2"];
  const partition = partitionOfKey(inside!, 8);
  assert(partition !== partitionOfKey(outside!, 8), "the two must not share a partition");
  const { subscription, positions } = await client.subscribe(topic, {
    keys: [inside, outside],
    partitions: [partition],
  });
  assertEquals(positions, [{ topic, partition, offset: 0 }]);
  await client.publish(topic, [{ key: outside!, value: 1 }, { key: inside!, value: 2 }]);
  await client.settled(subscription, { partition, next: 1, end: 1 });
  assertEquals(client.delivered(subscription).map(({ key }) => key), [inside]);
});

Deno.test("keys: a resume continues from the last position that was named", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const keys = ["mine"];
  const { incarnation } = await client.subscribe(topic, { keys });
  for (let n = 0; n < 4; n++) {
    await client.publish(topic, [{ key: "mine", value: n }, { key: "their", value: n }]);
  }
  const positions = [{ partition: 0, offset: 3 }];
  const resumed = await client.subscribe(topic, { keys, from: { positions, incarnation } });
  assertEquals(resumed.recovered, true);
  assertEquals(offsetsOf(await client.records(resumed.subscription, 2)), [4, 6]);
});

Deno.test("keys are 1 to 100 strings", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const many = Array.from({ length: 101 }, (_, n) => `key-${n}`);
  for (const keys of [[], many, "key", [1], [null], ["\ud800"]]) {
    await client.refused("invalid_frame", { type: "subscribe", topic, keys });
  }
  const { subscription } = await client.subscribe(topic, { keys: many.slice(1) });
  await client.publish(topic, many.map((key) => ({ key, value: key })));
  assertEquals((await client.records(subscription, 100)).length, 100);
});

Deno.test("a slow subscription holds up no other of its session", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const stuck = await client.subscribe(topic, { credit: { records: 0 } });
  const flowing = await client.subscribe(topic);
  for (let n = 0; n < 20; n++) await client.publish(topic, values(10));
  assertEquals((await client.records(flowing.subscription, 200)).length, 200);
  assert(client.delivered(stuck.subscription).length === 0);
});
