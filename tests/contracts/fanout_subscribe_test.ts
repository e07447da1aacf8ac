/** Section 3 of the page: how subscriptions begin, resume, seek and end. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { deleteTopic, fresh, json, makeTopic } from "../support/http.ts";
import { partitionOfKey } from "../support/murmur2.ts";

const shared = Gateway.shared({ WEIR_AUTO_PARTITIONS: "3" });

const values = (count: number, partition = 0) =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

Deno.test("from is latest by default: delivery begins with the next record", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [...values(3, 0), ...values(1, 1)]);
  for (const options of [{}, { from: "latest" }]) {
    const { subscription, positions, incarnation, recovered } = await client.subscribe(
      topic,
      options,
    );
    const offsets = positions.toSorted((a, b) => a.partition - b.partition);
    assertEquals(offsets.map(({ topic, partition }) => [topic, partition]), [[topic, 0], [
      topic,
      1,
    ]]);
    assertEquals([typeof incarnation, typeof recovered], ["string", "boolean"]);
    const { offsets: stored } = await client.publish(topic, values(1, 0));
    const delivered = await client.records(subscription, 1);
    assertEquals(delivered[0]!.offset, stored[0]![1]);
    assertEquals(offsets[0]!.offset, stored[0]![1]);
  }
});

Deno.test("from earliest begins at the log's start", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [...values(30, 0), ...values(20, 1)]);
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  const delivered = await client.records(subscription, 50);
  assertEquals(delivered.filter(({ partition }) => partition === 1).length, 20);
});

Deno.test("from a timestamp begins at the first record appended at or after it; past the end, at the end", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(3));
  const { subscription: reading } = await client.subscribe(topic, { from: "earliest" });
  const { timestamp } = (await client.records(reading, 3))[2]!;
  while (Date.now() <= timestamp) await client.beat();
  const between = Date.now();
  // The client's timestamp of a record is only for readers.
  await client.publish(topic, [{ value: "later", partition: 0, timestamp: 5 }]);
  const expected: [unknown, number][] = [
    [{ timestamp: 0 }, 0],
    [{ timestamp: between }, 3],
    [{ timestamp: Date.now() + 3_600_000 }, 4],
    [{ timestamp: 2 ** 53 - 1 }, 4],
  ];
  for (const [from, offset] of expected) {
    const { positions } = await client.subscribe(topic, { from });
    assertEquals(positions, [{ topic, partition: 0, offset }], JSON.stringify(from));
  }
});

Deno.test("the reply names the exact position of the start: nothing is missed in between", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await using writer = await Client.open(shared.gateway);
  const publishing = (async () => {
    for (let n = 0; n < 150; n++) await writer.publish(topic, values(1));
  })();
  const begun = [];
  for (let n = 0; n < 30; n++) begun.push(await client.subscribe(topic));
  await publishing;
  for (const { subscription, positions } of begun) {
    const { offset } = positions[0]!;
    if (offset === 150) continue;
    const delivered = await client.records(subscription, 150 - offset);
    assertEquals(delivered.map((record) => record.offset), [...range(offset, 150)]);
  }
});

Deno.test("partitions picks some; only those are delivered", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  await using client = await Client.open(shared.gateway);
  const { subscription, positions } = await client.subscribe(topic, { partitions: [1, 3] });
  assertEquals(positions.map(({ partition }) => partition).toSorted(), [1, 3]);
  await client.publish(topic, [0, 1, 2, 3].map((partition) => ({ value: partition, partition })));
  await client.records(subscription, 2);
  const { heads } = await client.beat();
  assertEquals(heads[subscription]!.map(({ partition }) => partition).toSorted(), [1, 3]);
  await client.refused("unknown_partition", { type: "subscribe", topic, partitions: [0, 4] });
});

Deno.test("the same topic may be subscribed twice; each gets everything", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const one = await client.subscribe(topic);
  const other = await client.subscribe(topic);
  assertNotEquals(one.subscription, other.subscription);
  await client.publish(topic, values(5));
  await client.records(one.subscription, 5);
  await client.records(other.subscription, 5);
});

Deno.test("one event reaches every subscriber", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(shared.gateway)));
  const subscribed = await Promise.all(clients.map((client) => client.subscribe(topic)));
  for (let n = 0; n < 20; n++) await clients[n]!.publish(topic, values(1));
  for (const [n, client] of clients.entries()) {
    const delivered = await client.records(subscribed[n]!.subscription, 20);
    assertEquals(delivered.map(({ offset }) => offset), [...range(0, 20)]);
    await client.close();
  }
});

Deno.test("a resume continues at its positions, in the partitions it names, and is recovered", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [...values(5, 0), ...values(5, 1), ...values(5, 2)]);
  const { incarnation } = await client.subscribe(topic);
  const positions = [{ partition: 2, offset: 4 }, { partition: 0, offset: 2 }];
  const resumed = await client.subscribe(topic, { from: { positions, incarnation } });
  assertEquals(resumed.recovered, true);
  assertEquals(resumed.incarnation, incarnation);
  assertEquals(
    resumed.positions.toSorted((a, b) => a.partition - b.partition),
    [{ topic, partition: 0, offset: 2 }, { topic, partition: 2, offset: 4 }],
  );
  await client.records(resumed.subscription, 4);
});

Deno.test("a position beyond the end is reset to the end, and the resume is not recovered", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [...values(2, 0), ...values(2, 1)]);
  const { incarnation } = await client.subscribe(topic);
  const positions = [{ partition: 0, offset: 3 }, { partition: 1, offset: 2 }];
  const resumed = await client.subscribe(topic, { from: { positions, incarnation } });
  assertEquals(resumed.recovered, false);
  assertEquals(
    resumed.positions.toSorted((a, b) => a.partition - b.partition),
    [
      { topic, partition: 0, offset: 2, reset: "beyond_end" },
      { topic, partition: 1, offset: 2 },
    ],
  );
});

Deno.test("positions of a topic that was created again are reset to its start", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(3));
  const { subscription, incarnation } = await client.subscribe(topic);
  await deleteTopic(shared.gateway, topic);
  const end = await client.until("end", (push) => push.subscription === subscription);
  assertEquals(end.code, "unknown_topic");
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 1 }, 201);
  await client.publish(topic, values(5));
  const resumed = await client.subscribe(topic, {
    from: { positions: [{ partition: 0, offset: 3 }], incarnation },
  });
  assertEquals(resumed.recovered, false);
  assertNotEquals(resumed.incarnation, incarnation);
  assertEquals(resumed.positions, [{ topic, partition: 0, offset: 0, reset: "incarnation" }]);
  await client.records(resumed.subscription, 5);
});

Deno.test("malformed from or partitions are an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { incarnation } = await client.subscribe(topic);
  const positions = [{ partition: 0, offset: 0 }];
  const options = [
    { from: { positions, incarnation }, partitions: [0] },
    { from: { positions } },
    { from: { positions: [], incarnation } },
    { from: { positions: [{ partition: 0, offset: -1 }], incarnation } },
    { from: { positions: [{ partition: 0, offset: 2 ** 53 }], incarnation } },
    ...["newest", 5, null, {}, { timestamp: "now" }, { timestamp: 1.5 }].map((from) => ({ from })),
    ...["0", 0, [-1], [1.5], ["0"]].map((partitions) => ({ partitions })),
    ...[-1, { records: -1 }, { records: "all" }, { bytes: 1 }, { records: 1, bytes: -1 }]
      .map((credit) => ({ credit })),
    ...["skip", 1, null].map((onSlow) => ({ onSlow })),
  ];
  for (const option of options) {
    await client.refused("invalid_frame", { type: "subscribe", topic, ...option });
  }
});

Deno.test("from the ok of a seek on, delivery continues there, back or ahead", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  await client.publish(topic, [...values(10, 0), ...values(10, 1)]);
  await client.records(subscription, 20);
  const partitions = [{ topic, partition: 0, offset: 8 }, { topic, partition: 1, offset: 0 }];
  await client.request({ type: "seek", subscription, partitions });
  const delivered = await client.records(subscription, 32);
  const again = delivered.slice(20).toSorted((a, b) => a.partition - b.partition);
  assertEquals(again.map(({ offset }) => offset), [8, 9, ...range(0, 10)]);
  await client.request({
    type: "seek",
    subscription,
    partitions: [{ topic, partition: 0, offset: 10 }],
  });
  await client.publish(topic, values(1, 0));
  assertEquals((await client.records(subscription, 33)).at(-1)!.offset, 10);
});

Deno.test("a seek while records flow voids what was pushed before its ok", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(1000));
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    credit: { records: 100_000 },
  });
  for (const offset of [0, 900, 500]) {
    const partitions = [{ topic, partition: 0, offset }];
    await client.request({ type: "seek", subscription, partitions });
  }
  await client.settled(subscription, { partition: 0, next: 1000, end: 1000 });
});

Deno.test("credit behind a seek is for records from its offset on", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(10));
  const { subscription } = await client.subscribe(topic, {
    from: "earliest",
    credit: { records: 2 },
  });
  await client.records(subscription, 2);
  const seek = (offset: number) => ({
    type: "seek",
    subscription,
    partitions: [{ topic, partition: 0, offset }],
  });
  const credit = (records: number) => ({ type: "credit", subscription, records });
  const came = async (count: number) =>
    (await client.records(subscription, count)).map(({ offset }) => offset);
  await client.all([seek(8), credit(1), credit(1)]);
  assertEquals(await came(4), [0, 1, 8, 9]);
  await client.all([seek(4), seek(6), credit(1)]);
  assertEquals(await came(5), [0, 1, 8, 9, 6]);
  await client.all([seek(11), credit(1)]);
  assertEquals(await came(6), [0, 1, 8, 9, 6, 7]);
});

Deno.test("a seek is all or none: beyond the end, or in a partition that is not followed, it moves nothing", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(5, 0));
  const { subscription } = await client.subscribe(topic, { partitions: [0, 1] });
  const good = { topic, partition: 0, offset: 0 };
  const seek = (bad: unknown) => ({ type: "seek", subscription, partitions: [good, bad] });
  const beyond = await client.refused(
    "offset_out_of_range",
    seek({ topic, partition: 1, offset: 1 }),
  );
  assertEquals([beyond.start, beyond.next], [0, 0]);
  await client.refused("unknown_partition", seek({ topic, partition: 2, offset: 0 }));
  await client.refused("unknown_partition", seek({ topic, partition: 99, offset: 0 }));
  await client.publish(topic, values(1, 0));
  assertEquals((await client.records(subscription, 1))[0]!.offset, 5);
});

Deno.test("unsubscribe ends a subscription, which is unknown from then on", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  await client.request({ type: "unsubscribe", subscription });
  const partitions = [{ topic, partition: 0, offset: 0 }];
  await client.refused("unknown_subscription", { type: "unsubscribe", subscription });
  await client.refused("unknown_subscription", { type: "seek", subscription, partitions });
  await client.refused("unknown_subscription", { type: "unsubscribe", subscription: 77_777 });
  await client.publish(topic, values(1));
  assertEquals((await client.beat()).heads, {});
});

Deno.test("deleting a topic ends its subscriptions with unknown_topic", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const other = await client.subscribe(await makeTopic(shared.gateway, 1));
  await deleteTopic(shared.gateway, topic);
  const end = await client.until("end");
  assertEquals([end.subscription, end.code, end.retry], [subscription, "unknown_topic", "never"]);
  assert(end.message.length > 0);
  await client.refused("unknown_subscription", { type: "unsubscribe", subscription });
  await client.request({ type: "unsubscribe", subscription: other.subscription });
});

Deno.test("deleting a topic ends a subscription that follows none of its partitions", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const other = 1 - partitionOfKey("k", 2);
  const { subscription, positions } = await client.subscribe(topic, {
    keys: ["k"],
    partitions: [other],
  });
  assertEquals(positions, []);
  await deleteTopic(shared.gateway, topic);
  const end = await client.until("end");
  assertEquals([end.subscription, end.code], [subscription, "unknown_topic"]);
});

Deno.test("subscriptions and memberships are limited together", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscriptions } = client.welcome.limits;
  const { subscription } = await client.join(fresh("group"), [topic]);
  const subscribe = { type: "subscribe", topic };
  for (let open = 1; open < subscriptions!; open++) await client.request(subscribe);
  await client.refused("too_many_subscriptions", subscribe);
  const join = { type: "join", group: fresh("group"), topics: [topic] };
  await client.refused("too_many_subscriptions", join);
  await client.request({ type: "leave", subscription });
  await client.request(subscribe);
});

Deno.test("the subscriptions of a session follow so many partitions together, and others when one has ended", async () => {
  const topic = await makeTopic(shared.gateway, 1_024);
  await using client = await Client.open(shared.gateway);
  const subscribe = { type: "subscribe", topic };
  const { subscription } = await client.subscribe(topic);
  for (let followed = 2 * 1_024; followed <= 16_384; followed += 1_024) {
    await client.request(subscribe);
  }
  const error = await client.refused("too_many_subscriptions", { ...subscribe, partitions: [0] });
  assertStringIncludes(error.message, "16384");
  await client.request({ type: "unsubscribe", subscription });
  await client.request(subscribe);
});

Deno.test("if the setting says so, an unknown topic is created by its first use", async () => {
  await using client = await Client.open(shared.gateway);
  const [published, subscribed, joined] = ["auto-publish", "auto-subscribe", "auto-join"];
  await client.publish(published!, [{ value: 1 }]);
  assertEquals((await client.subscribe(subscribed!)).positions.length, 3);
  await client.join(fresh("group"), [joined!]);
  assertEquals((await client.until("assign")).partitions.length, 3);
  assertEquals((await client.subscribe(published!)).positions.length, 3);
});

function* range(from: number, to: number): Generator<number> {
  for (let n = from; n < to; n++) yield n;
}

Deno.test("a resume by keys follows them to their partitions in a topic that was created again", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = fresh("topic");
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 4 }, 201);
  const { positions: [before], incarnation } = await client.subscribe(topic, { keys: ["k7"] });
  const positions = [{ partition: before!.partition, offset: 0 }];
  await deleteTopic(shared.gateway, topic);
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 64 }, 201);
  const from = { positions, incarnation };
  const resumed = await client.subscribe(topic, { from, keys: ["k7"] });
  const { offsets: [place] } = await client.publish(topic, [{ key: "k7", value: "here" }]);
  assertEquals(resumed.positions.map(({ partition, reset }) => [partition, reset]), [
    [place![0], "incarnation"],
  ]);
  const [record] = await client.records(resumed.subscription, 1);
  assertEquals(record!.value, "here");
});
