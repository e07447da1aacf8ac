/** Section 4 of the page: positions of a group, and when a commit is accepted. */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Position } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { deleteTopic, describeGroup, fresh, json, makeTopic } from "../support/http.ts";
import { letGo, Member } from "../support/member.ts";

const shared = Gateway.shared();

const values = (count: number, partition = 0) =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

/** A member that alone owns a topic of `partitions`, with five records in each. */
async function owner(client: Client, partitions: number) {
  const topic = await makeTopic(shared.gateway, partitions);
  const group = fresh("group");
  for (let partition = 0; partition < partitions; partition++) {
    await client.publish(topic, values(5, partition));
  }
  const { subscription } = await client.join(group, [topic]);
  await client.until("assign", (push) => push.partitions.length === partitions);
  const at = (partition: number, offset: number) => ({ topic, partition, offset });
  const refused = (code: string, offsets: readonly unknown[]) =>
    client.refused(code, { type: "commit", subscription, offsets });
  return { topic, group, subscription, at, refused };
}

const offsetsIn = async (group: string) =>
  (await describeGroup(shared.gateway, group)).offsets
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ offset }) => offset);

Deno.test("a commit answers what is committed now", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, subscription, at } = await owner(client, 2);
  const { offsets } = await client.commit(subscription, [at(0, 3), at(1, 5)]);
  assertEquals(plain(offsets), [at(0, 3), at(1, 5)]);
  assertEquals(await offsetsIn(group), [3, 5]);
});

Deno.test("a commit never goes down: a lower offset is ok and changes nothing", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, subscription, at } = await owner(client, 2);
  await client.commit(subscription, [at(0, 4)]);
  const { offsets } = await client.commit(subscription, [at(0, 2), at(1, 1)]);
  assertEquals(plain(offsets), [at(0, 4), at(1, 1)]);
  assertEquals(await offsetsIn(group), [4, 1]);
});

Deno.test("a commit, also in a transact, may be as large as the page says", async () => {
  const topic = await makeTopic(shared.gateway, 320);
  await using client = await Client.open(shared.gateway);
  const group = fresh("group");
  const { subscription } = await client.join(group, [topic]);
  await client.until("assign", ({ partitions }) => partitions.length === 320);
  const commit = (count: number, metadata: number) => ({
    subscription,
    offsets: Array.from({ length: count }, (_, partition) => {
      return { topic, partition, offset: 0, metadata: "m".repeat(metadata) };
    }),
  });
  const alone = Math.floor(409_440 / 100) - 160;
  await client.refused("batch_too_large", { type: "commit", ...commit(100, alone + 1) });
  await client.request({ type: "commit", ...commit(100, alone) });
  const many = await client.refused("batch_too_large", { type: "commit", ...commit(901, 0) });
  assertEquals(
    many.message,
    "Cannot commit 901 offsets of 144160 bytes at once: at most 900 of 409440 bytes",
  );
  const publish = [{ topic, records: values(1) }];
  for (const metadata of [0, 500]) {
    const most = Math.floor(65_376 / (208 + group.length + metadata));
    await client.refused("transaction_too_large", {
      type: "transact",
      publish,
      commit: commit(most + 1, metadata),
    });
    await client.request({ type: "transact", publish, commit: commit(most, metadata) });
  }
});

Deno.test("commits of one session take effect in the order they came", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, subscription, at } = await owner(client, 1);
  const notes = ["1", "2", "3", "4", "5"];
  await Promise.all(
    notes.map((metadata) => client.commit(subscription, [{ ...at(0, 1), metadata }])),
  );
  const { offsets } = await describeGroup(shared.gateway, group);
  assertEquals(offsets.map(({ offset, metadata }) => [offset, metadata]), [[1, "5"]]);
});

Deno.test("commits that wait for one write are written as the highest, whatever is refused among them", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, subscription, at, refused } = await owner(client, 1);
  // The first is written alone; the others arrive meanwhile.
  const [first, _, higher, lower] = await Promise.all([
    client.commit(subscription, [at(0, 1)]),
    refused("not_owner", [at(7, 1)]),
    client.commit(subscription, [at(0, 4)]),
    client.commit(subscription, [at(0, 2)]),
  ]);
  const told = [first, higher, lower].map(({ offsets }) => offsets[0]!.offset);
  assertEquals([told.at(-1), told.at(-2)], [4, 4]);
  assertEquals(await offsetsIn(group), [4]);
});

Deno.test("a commit beyond the log's end gets offset_out_of_range as a whole", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, at, refused } = await owner(client, 2);
  const error = await refused("offset_out_of_range", [at(0, 2), at(1, 6)]);
  assertEquals([error.start, error.next], [0, 5]);
  assertEquals(await offsetsIn(group), [0, 0]);
});

Deno.test("a commit of partitions that the member does not own, or that do not exist, is not_owner as a whole", async () => {
  await using client = await Client.open(shared.gateway);
  const { group, at, refused } = await owner(client, 1);
  const elsewhere = await makeTopic(shared.gateway, 1);
  await refused("not_owner", [at(0, 2), at(1, 0)]);
  await refused("not_owner", [at(0, 2), { topic: elsewhere, partition: 0, offset: 0 }]);
  await refused("not_owner", [at(0, 2), { topic: "no-such-topic", partition: 0, offset: 0 }]);
  assertEquals(await offsetsIn(group), [0]);
});

Deno.test("a commit for another member's partition is not_owner", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.publish(topic, [...values(2, 0), ...values(2, 1)]);
  await first.join(group, [topic]);
  await first.until("assign");
  const { subscription } = await second.join(group, [topic]);
  for (const partition of [0, 1]) {
    const offsets = [{ topic, partition, offset: 1 }];
    await second.refused("not_owner", { type: "commit", subscription, offsets });
  }
});

Deno.test("a malformed commit is an invalid_frame", async () => {
  await using client = await Client.open(shared.gateway);
  const { topic, at, refused } = await owner(client, 1);
  const bad: unknown[] = [null, 5, {}, { topic, partition: 0 }, { topic, offset: 0 }];
  for (const offset of [-1, 1.5, 2 ** 53, "1", "latest", null]) bad.push({ ...at(0, 0), offset });
  for (const partition of [-1, 1.5, "0"]) bad.push({ ...at(0, 0), partition });
  for (const metadata of [5, {}, null]) bad.push({ ...at(0, 0), metadata });
  for (const offset of bad) await refused("invalid_frame", [at(0, 2), offset]);
});

Deno.test("from gives the position where none is committed: earliest by default, or latest", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(3));
  for (const [from, offset] of [[undefined, 0], ["earliest", 0], ["latest", 3]] as const) {
    const { subscription } = await client.join(fresh("group"), [topic], from ? { from } : {});
    const assign = await client.until("assign", (push) => push.subscription === subscription);
    assertEquals(assign.partitions[0]!.offset, offset, from);
  }
  const join = { type: "join", group: fresh("group"), topics: [topic] };
  for (const from of [{ timestamp: 0 }, "newest", 5, null]) {
    await client.refused("invalid_frame", { ...join, from });
  }
});

Deno.test("the first position is committed with the assignment: nothing is skipped if the member dies", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using writer = await Client.open(shared.gateway);
  await writer.publish(topic, values(3));
  {
    await using dies = await Client.open(shared.gateway);
    await dies.join(group, [topic], { from: "latest" });
    assertEquals((await dies.until("assign")).partitions[0]!.offset, 3);
  }
  await writer.publish(topic, values(2));
  await using next = await Client.open(shared.gateway);
  const { subscription } = await next.join(group, [topic], { from: "latest" });
  assertEquals((await next.until("assign")).partitions[0]!.offset, 3);
  assertEquals((await next.records(subscription, 2)).map(({ offset }) => offset), [3, 4]);
});

Deno.test("a group's members begin at its committed offset, and lag is what is behind it", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  {
    await using client = await Client.open(shared.gateway);
    await client.publish(topic, values(10));
    const { subscription } = await client.join(group, [topic]);
    await client.until("assign");
    await client.commit(subscription, [{ topic, partition: 0, offset: 4 }]);
  }
  await using later = await Client.open(shared.gateway);
  const { subscription } = await later.join(group, [topic], { from: "latest" });
  const delivered = await later.records(subscription, 6);
  assertEquals(delivered[0]!.offset, 4);
  const { offsets } = await describeGroup(shared.gateway, group);
  assertEquals(offsets, [{ topic, partition: 0, offset: 4, end: 10, lag: 6 }]);
});

Deno.test("a member may seek what it owns; what it does not own is not_owner", async () => {
  await using client = await Client.open(shared.gateway);
  const { topic, subscription, at } = await owner(client, 2);
  await client.records(subscription, 10);
  const seek = { type: "seek", subscription };
  await client.request({ ...seek, partitions: [at(1, 2)] });
  const again = (await client.records(subscription, 13)).slice(10);
  assertEquals(again.map(({ partition, offset }) => [partition, offset]), [[1, 2], [1, 3], [1, 4]]);
  await client.refused("not_owner", { ...seek, partitions: [at(0, 0), at(7, 0)] });
  await client.refused("offset_out_of_range", { ...seek, partitions: [at(0, 0), at(1, 6)] });
  assertEquals(client.delivered(subscription).length, 13);
  await client.publish(topic, values(1));
  assertEquals((await client.records(subscription, 14)).at(-1)!.offset, 5);
});

Deno.test("members have credit as subscriptions do", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, values(10));
  const { subscription } = await client.join(fresh("group"), [topic], { credit: { records: 4 } });
  await client.settled(subscription, { partition: 0, next: 4, end: 10 });
  client.send({ type: "credit", subscription, records: 3 });
  await client.settled(subscription, { partition: 0, next: 7, end: 10 });
});

Deno.test("deleting a topic deletes its committed offsets", async () => {
  await using client = await Client.open(shared.gateway);
  const { topic, group, subscription, at } = await owner(client, 1);
  await client.commit(subscription, [at(0, 4)]);
  await deleteTopic(shared.gateway, topic);
  await client.until("end");
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 1 }, 201);
  await client.publish(topic, values(9));
  await client.join(group, [topic]);
  const assign = await client.until("assign");
  assertEquals(assign.partitions[0]!.offset, 0);
});

Deno.test("members of many sessions commit at the same time and none is refused", async () => {
  const topic = await makeTopic(shared.gateway, 8);
  const group = fresh("group");
  await using writer = await Client.open(shared.gateway);
  for (let partition = 0; partition < 8; partition++) {
    await writer.publish(topic, values(20, partition));
  }
  const members = await Promise.all(
    Array.from({ length: 8 }, () => Member.join(shared.gateway, group, [topic])),
  );
  await Promise.all(members.map((member) => member.owns(1)));
  await Promise.all(members.map(async (member) => {
    const { client, subscription } = member;
    const [{ topic, partition }] = [...member.owned().values()] as [Position];
    for (let offset = 1; offset <= 20; offset++) {
      await client.commit(subscription, [{ topic, partition, offset }]);
    }
  }));
  assertEquals(await offsetsIn(group), Array(8).fill(20));
  await letGo(members);
});

const plain = (offsets: readonly Position[]) =>
  offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }));

Deno.test("a commit behind one that changes nothing, and behind a release, is answered at once", async () => {
  await using gateway = await Gateway.start();
  await using client = await Client.open(gateway);
  await client.publish("t", [{ value: 1, partition: 0 }]);
  const { subscription } = await client.join("g", ["t"]);
  await client.until("assign", ({ partitions }) => partitions.length > 0);
  const commit = (offset: number) => ({
    type: "commit",
    subscription,
    offsets: [{ topic: "t", partition: 0, offset }],
  });
  const replies = await client.all([
    commit(0),
    { type: "release", subscription, partitions: [{ topic: "t", partition: 7 }] },
    commit(1),
  ]);
  // If nothing woke the log, the commits would fail in the end with unavailable.
  assertEquals(replies.map(({ type }) => type), ["ok", "ok", "ok"]);
});
