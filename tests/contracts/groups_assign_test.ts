/** Section 4 of the page: who gets which partition, and how partitions move. */

import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Joined } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { deleteTopic, describeGroup, fresh, makeTopic } from "../support/http.ts";
import { letGo, Member } from "../support/member.ts";

const shared = Gateway.shared();

const values = (count: number, partition = 0) =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

Deno.test("join is answered with the subscription, the member and the epoch; one assign follows", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  await using client = await Client.open(shared.gateway);
  const { subscription, member, epoch } = await client.join(fresh("group"), [topic]);
  assert(Number.isInteger(subscription) && Number.isSafeInteger(epoch));
  assertMatch(member, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  const assign = await client.until("assign");
  assertEquals(assign.subscription, subscription);
  assert(assign.epoch >= epoch);
  assertEquals(assign.partitions.map(({ partition }) => partition).toSorted(), [0, 1, 2]);
  await client.beat();
  assertEquals(client.pushes("assign").length, 1);
});

Deno.test("with more members than partitions some own none, and their assign is empty", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.join(group, [topic]);
  assertEquals((await first.until("assign")).partitions.length, 1);
  await second.join(group, [topic]);
  assertEquals((await second.until("assign")).partitions, []);
  assertEquals(first.pushes("revoke").length, 0, "nothing has to move");
});

Deno.test("one record goes to exactly one member of a group, and to every group", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  const members = [];
  for (const group of [fresh("group"), fresh("group")]) {
    for (let n = 0; n < 2; n++) members.push(await Member.join(shared.gateway, group, [topic]));
  }
  await Promise.all(members.map((member) => member.owns(2)));
  await using writer = await Client.open(shared.gateway);
  for (let partition = 0; partition < 4; partition++) {
    await writer.publish(topic, values(25, partition));
  }
  for (const member of members) {
    const delivered = await member.client.records(member.subscription, 50);
    assertEquals(delivered.length, 50);
  }
  await letGo(members);
});

Deno.test("assignment is even to one, per topic and over all topics", async () => {
  const topics = [
    await makeTopic(shared.gateway, 7),
    await makeTopic(shared.gateway, 4),
    await makeTopic(shared.gateway, 2),
  ];
  const group = fresh("group");
  const members: Member[] = [];
  for (let count = 1; count <= 5; count++) {
    members.push(await Member.join(shared.gateway, group, topics));
    await even(group, topics, members.map(({ member }) => member));
  }
  while (members.length > 1) {
    await members.shift()!.client.close();
    await even(group, topics, members.map(({ member }) => member));
  }
  await letGo(members);
});

/** Waits until the group's partitions are spread evenly, as `GET /v1/groups/{group}` shows. */
async function even(group: string, topics: string[], members: string[]): Promise<void> {
  const deadline = performance.now() + 8_000;
  while (true) {
    const { members: seen } = await describeGroup(shared.gateway, group);
    const perTopic = topics.every((topic) =>
      spread(seen.map((one) => one.partitions.filter((p) => p.topic === topic).length)) <= 1
    );
    const overAll = spread(seen.map((one) => one.partitions.length)) <= 1;
    const owned = seen.reduce((sum, one) => sum + one.partitions.length, 0);
    const present = new Set(seen.map(({ member }) => member)).isSubsetOf(new Set(members));
    if (perTopic && overAll && owned === 13 && present && seen.length === members.length) return;
    assert(performance.now() < deadline, `Not even in time: ${JSON.stringify(seen)}`);
  }
}

const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

Deno.test("as few partitions move as must: a second member takes half, a third a third", async () => {
  const topic = await makeTopic(shared.gateway, 12);
  const group = fresh("group");
  const members = [await Member.join(shared.gateway, group, [topic])];
  await members[0]!.owns(12);
  for (const [count, each] of [[2, 6], [3, 4]] as const) {
    members.push(await Member.join(shared.gateway, group, [topic]));
    await Promise.all(members.map((member) => member.owns(each)));
    assertEquals(members.length, count);
  }
  const revoked = members.map(({ client }) =>
    client.pushes("revoke").flatMap(({ partitions }) => partitions).length
  );
  assertEquals(revoked[0]! + revoked[1]!, 6 + 4);
  await letGo(members);
});

Deno.test("a partition that need not move keeps flowing through a rebalance", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using writer = await Client.open(shared.gateway);
  await using first = await Client.open(shared.gateway);
  const { subscription } = await first.join(group, [topic]);
  await first.until("assign", ({ partitions }) => partitions.length === 2);
  await using second = await Client.open(shared.gateway);
  await second.join(group, [topic]);
  const revoke = await first.until("revoke");
  const moved = revoke.partitions.map(({ partition }) => partition);
  const kept = 1 - moved[0]!;
  assertEquals(moved.length, 1);
  // Nothing was released: during the rebalance, the other partition keeps flowing.
  await writer.publish(topic, [...values(5, kept), ...values(5, moved[0]!)]);
  const delivered = await first.records(subscription, 5);
  assertEquals(new Set(delivered.map(({ partition }) => partition)), new Set([kept]));
});

Deno.test("nobody else gets a partition before its release; then it continues at the committed offset", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.publish(topic, [...values(4, 0), ...values(4, 1)]);
  const { subscription } = await first.join(group, [topic]);
  await first.records(subscription, 8);
  await second.join(group, [topic]);
  assertEquals((await second.until("assign")).partitions, []);
  const { partitions, deadlineMs, epoch, lost } = await first.until("revoke");
  assertEquals([lost, deadlineMs], [undefined, first.welcome.sessionTimeoutMs]);
  assert(Number.isSafeInteger(epoch));
  await first.publish(topic, [...values(1, 0), ...values(1, 1)]);
  // The member whose partition is revoked may still finish and commit.
  const { topic: name, partition } = partitions[0]!;
  await first.commit(subscription, [{ topic: name, partition, offset: 3 }]);
  await second.beat();
  assertEquals(second.pushes("assign").length, 1);
  first.send({ type: "release", subscription, partitions });
  const assign = await second.until("assign");
  assertEquals(
    assign.partitions.map(({ partition, offset }) => [partition, offset]),
    [[partition, 3]],
  );
  assertGreater(assign.epoch, 0);
  const again = await second.records(assign.subscription, 2);
  assertEquals(again.map(({ offset }) => offset), [3, 4]);
  await first.refused("not_owner", {
    type: "commit",
    subscription,
    offsets: [{ topic, partition, offset: 4 }],
  });
});

Deno.test("after the deadline comes lost: it is someone else's, commits are refused, the member stays", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.publish(topic, [...values(4, 0), ...values(4, 1)]);
  const { subscription } = await first.join(group, [topic], { revokeTimeoutMs: 300 });
  await first.records(subscription, 8);
  const asked = performance.now();
  await second.join(group, [topic]);
  const { partitions, deadlineMs } = await first.until("revoke");
  assertEquals(deadlineMs, 300);
  const lost = await first.until("revoke", (push) => push.lost === true);
  assert(performance.now() - asked > 250, "not before the deadline");
  assertEquals(lost.partitions, partitions);
  const assign = await second.until("assign", (push) => push.partitions.length > 0);
  assertEquals(assign.partitions[0]!.offset, 0);
  const gone = partitions[0]!.partition;
  const at = (partition: number) => [{ topic, partition, offset: 4 }];
  await first.refused("not_owner", { type: "commit", subscription, offsets: at(gone) });
  await first.commit(subscription, at(1 - gone));
});

Deno.test("revokeTimeoutMs over 10 min is an invalid_frame", async () => {
  await using client = await Client.open(shared.gateway);
  const join = {
    type: "join",
    group: fresh("group"),
    topics: [await makeTopic(shared.gateway, 1)],
  };
  for (const revokeTimeoutMs of [600_001, -1, 1.5, "1", null]) {
    await client.refused("invalid_frame", { ...join, revokeTimeoutMs });
  }
  await client.request({ ...join, revokeTimeoutMs: 600_000 });
});

Deno.test("a release of what was not revoked is ignored", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.join(fresh("group"), [topic]);
  await client.until("assign");
  for (
    const which of [{ topic, partition: 0 }, { topic, partition: 9 }, { topic: "x", partition: 0 }]
  ) {
    client.send({ type: "release", subscription, partitions: [which] });
  }
  await client.publish(topic, values(3));
  await client.records(subscription, 3);
  await client.commit(subscription, [{ topic, partition: 0, offset: 3 }]);
});

Deno.test("a member without instance dies with its socket; its partitions go on from what it committed", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using second = await Client.open(shared.gateway);
  {
    await using first = await Client.open(shared.gateway);
    await first.publish(topic, values(10));
    const { subscription } = await first.join(group, [topic]);
    await first.records(subscription, 10);
    await second.join(group, [topic]);
    assertEquals((await second.until("assign")).partitions, []);
    await first.commit(subscription, [{ topic, partition: 0, offset: 6 }]);
  }
  const assign = await second.until("assign");
  assertEquals(assign.partitions.map(({ offset }) => offset), [6]);
  const delivered = await second.records(assign.subscription, 4);
  assertEquals(delivered.map(({ offset }) => offset), [6, 7, 8, 9]);
});

Deno.test("leave hands everything over at once, with no deadline", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  const { subscription } = await first.join(group, [topic]);
  await first.until("assign", ({ partitions }) => partitions.length === 4);
  const left = await second.join(group, [topic]);
  await first.until("revoke");
  await first.request({ type: "leave", subscription });
  await second.when(
    () => second.pushes("assign").flatMap(({ partitions }) => partitions).length === 4,
    "all four partitions",
  );
  await first.refused("unknown_subscription", { type: "leave", subscription });
  await second.request({ type: "leave", subscription: left.subscription });
  assertEquals((await describeGroup(shared.gateway, group)).members, []);
});

Deno.test("members may have different topics; each gets partitions of its own only", async () => {
  const [shared1, own] = [await makeTopic(shared.gateway, 2), await makeTopic(shared.gateway, 2)];
  const group = fresh("group");
  const both = await Member.join(shared.gateway, group, [shared1, own]);
  await both.owns(4);
  const one = await Member.join(shared.gateway, group, [shared1]);
  await one.owns(1);
  await both.owns(3);
  assertEquals(one.topics(), new Set([shared1]));
  await letGo([both, one]);
});

Deno.test("two memberships of one session are two members", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using client = await Client.open(shared.gateway);
  const [one, other] = await Promise.all([
    client.join(group, [topic]),
    client.join(group, [topic]),
  ]);
  assert(one.member !== other.member);
  assert(one.subscription !== other.subscription);
});

Deno.test("deleting its only topic ends a membership, one of several is lost by revoke", async () => {
  const [doomed, kept] = [await makeTopic(shared.gateway, 2), await makeTopic(shared.gateway, 1)];
  await using single = await Client.open(shared.gateway);
  await using several = await Client.open(shared.gateway);
  await single.join(fresh("group"), [doomed]);
  await single.until("assign");
  const { subscription } = await several.join(fresh("group"), [doomed, kept]);
  await several.until("assign", ({ partitions }) => partitions.length === 3);
  await deleteTopic(shared.gateway, doomed);
  assertEquals((await single.until("end")).code, "unknown_topic");
  const lost = await several.until("revoke", (push) => push.lost === true);
  assertEquals(new Set(lost.partitions.map(({ topic }) => topic)), new Set([doomed]));
  await several.publish(kept, values(2));
  await several.records(subscription, 2);
  await several.commit(subscription, [{ topic: kept, partition: 0, offset: 2 }]);
  assertEquals(several.pushes("end").length, 0);
});

Deno.test("after hundreds of joins and leaves everything is owned once", async () => {
  const topic = await makeTopic(shared.gateway, 8);
  const group = fresh("group");
  await using client = await Client.open(shared.gateway);
  await using stays = await Client.open(shared.gateway);
  await stays.join(group, [topic], { revokeTimeoutMs: 50 });
  for (let round = 0; round < 10; round++) {
    const joins = Array.from({ length: 50 }, () => client.join(group, [topic]));
    const joined: Joined[] = await Promise.all(joins);
    await Promise.all(
      joined.map(({ subscription }) => client.request({ type: "leave", subscription })),
    );
  }
  await even8(group);
});

/** Waits until the one member that stayed owns all eight partitions. */
async function even8(group: string): Promise<void> {
  const deadline = performance.now() + 8_000;
  while (true) {
    const { members } = await describeGroup(shared.gateway, group);
    if (members.length === 1 && members[0]!.partitions.length === 8) return;
    assert(performance.now() < deadline, JSON.stringify(members));
  }
}
