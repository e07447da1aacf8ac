/** Section 4 of the page: members with a stable name, whose partitions wait for them. */

import { assert, assertEquals } from "@std/assert";
import { Client, Refusal } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, describeGroup, fresh, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

const values = (count: number, partition = 0) =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

Deno.test("the partitions of an instance wait for it; it takes them up again with no rebalance", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using other = await Client.open(shared.gateway);
  const stays = await other.join(group, [topic]);
  await other.until("assign");
  let before;
  let moved;
  {
    await using first = await Client.open(shared.gateway);
    before = await first.join(group, [topic], { instance: "worker-1" });
    const { partitions } = await other.until("revoke");
    moved = partitions[0]!.partition;
    other.send({ type: "release", subscription: stays.subscription, partitions });
    await first.until("assign", (push) => push.partitions.length === 1);
    await first.publish(topic, values(3, moved));
    await first.records(before.subscription, 3);
    await first.commit(before.subscription, [{ topic, partition: moved, offset: 2 }]);
  }
  const waiting = await describeGroup(shared.gateway, group);
  assertEquals(waiting.members.map(({ instance }) => instance).toSorted(), ["worker-1", undefined]);
  await using again = await Client.open(shared.gateway);
  const after = await again.join(group, [topic], { instance: "worker-1" });
  const assign = await again.until("assign");
  assertEquals(
    assign.partitions.map(({ partition, offset }) => [partition, offset]),
    [[moved, 2]],
  );
  assertEquals((await again.records(after.subscription, 1))[0]!.offset, 2);
  await other.beat();
  const moves = other.pushes("assign").length + other.pushes("revoke").length;
  assertEquals(moves, 2, "the other member has noticed nothing");
});

Deno.test("without a return within sessionTimeoutMs its partitions go to the others", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using other = await Client.open(shared.gateway);
  const left = await (async () => {
    await using first = await Client.open(shared.gateway);
    await first.join(group, [topic], { instance: "worker-1", sessionTimeoutMs: 400 });
    await first.until("assign", ({ partitions }) => partitions.length === 1);
    await other.join(group, [topic]);
    assertEquals((await other.until("assign")).partitions, []);
    return performance.now();
  })();
  const assign = await other.until("assign");
  assertEquals(assign.partitions.length, 1);
  assert(performance.now() - left > 300, "not before");
  const { members } = await describeGroup(shared.gateway, group);
  assertEquals(members.map(({ instance }) => instance), [undefined]);
});

Deno.test("while its partitions wait the instance counts as live", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  {
    await using client = await Client.open(shared.gateway);
    await client.join(group, [topic], { instance: "worker-1", sessionTimeoutMs: 600 });
    await client.until("assign");
  }
  const path = `/v1/groups/${group}`;
  assertEquals((await call(shared.gateway, "DELETE", path)).status, 409);
  const deadline = performance.now() + 8_000;
  while ((await call(shared.gateway, "DELETE", path)).status !== 204) {
    assert(performance.now() < deadline, "the instance never died");
  }
});

Deno.test("the partitions of an absent instance that are to move go when the deadline of the revoke has passed", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  {
    await using first = await Client.open(shared.gateway);
    const options = { instance: "worker-1", revokeTimeoutMs: 300 };
    await first.join(group, [topic], options);
    await first.until("assign", ({ partitions }) => partitions.length === 2);
  }
  await using other = await Client.open(shared.gateway);
  await other.join(group, [topic]);
  const assign = await other.until("assign", ({ partitions }) => partitions.length > 0);
  assertEquals(assign.partitions.length, 1, "one waits on, one went");
});

Deno.test("a second live connection with the same instance fences the first", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.publish(topic, [...values(4, 0), ...values(4, 1)]);
  const before = await first.join(group, [topic], { instance: "worker-1" });
  await first.records(before.subscription, 8);
  await first.commit(before.subscription, [{ topic, partition: 0, offset: 3 }]);
  await second.join(group, [topic], { instance: "worker-1" });
  const end = await first.until("end");
  assertEquals([end.subscription, end.code, end.retry], [before.subscription, "fenced", "never"]);
  const assign = await second.until("assign", ({ partitions }) => partitions.length === 2);
  const begins = assign.partitions.map(({ partition, offset }) => [partition, offset]);
  assertEquals(begins.toSorted(), [[0, 3], [1, 0]]);
  await first.refused("unknown_subscription", {
    type: "commit",
    subscription: before.subscription,
    offsets: [{ topic, partition: 0, offset: 4 }],
  });
  const { members } = await describeGroup(shared.gateway, group);
  assertEquals(members.map(({ instance }) => instance), ["worker-1"]);
});

Deno.test("the same instance with other topics is a rebalance", async () => {
  const [one, more] = [await makeTopic(shared.gateway, 1), await makeTopic(shared.gateway, 1)];
  const group = fresh("group");
  {
    await using first = await Client.open(shared.gateway);
    await first.join(group, [one], { instance: "worker-1" });
    await first.until("assign", ({ partitions }) => partitions.length === 1);
  }
  await using again = await Client.open(shared.gateway);
  await again.join(group, [one, more], { instance: "worker-1" });
  await again.when(
    () => again.pushes("assign").flatMap(({ partitions }) => partitions).length === 2,
    "both partitions",
  );
});

Deno.test("an instance that leaves is gone at once", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.join(group, [topic], { instance: "worker-1" });
  await client.until("assign");
  await client.request({ type: "leave", subscription });
  assertEquals((await call(shared.gateway, "DELETE", `/v1/groups/${group}`)).status, 204);
});

Deno.test("sessionTimeoutMs is 200 ms to 24 h, and only with an instance", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const join = { type: "join", group: fresh("group"), topics: [topic] };
  await client.refused("invalid_frame", { ...join, sessionTimeoutMs: 1_000 });
  for (const sessionTimeoutMs of [199, 86_400_001, -1, 200.5, "300", null]) {
    await client.refused("invalid_frame", { ...join, instance: "worker-1", sessionTimeoutMs });
  }
  for (const [n, sessionTimeoutMs] of [200, 86_400_000].entries()) {
    const { subscription } = await client.request<{ subscription: number }>({
      ...join,
      instance: `worker-${n}`,
      sessionTimeoutMs,
    });
    await client.request({ type: "leave", subscription });
  }
});

Deno.test("a malformed join is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const join = { type: "join", group: fresh("group"), topics: [topic] };
  const changes: Record<string, unknown>[] = [
    ...[undefined, null, 5, "", ".", "..", "_g", "a/b", "g".repeat(201)].map((group) => ({
      group,
    })),
    ...[undefined, null, topic, [], [5], [topic, "_x"]].map((topics) => ({ topics })),
    ...[5, "", null].map((instance) => ({ instance })),
    ...[5, {}, { records: -1 }].map((credit) => ({ credit })),
  ];
  for (const change of changes) {
    await client.refused("invalid_frame", { ...join, ...change } as typeof join);
  }
  await client.request(join);
});

Deno.test("a join that was delayed does not fence a later one of its own client", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  const mine = { type: "join", group, topics: [topic], instance: "worker-1", client: "mine" };
  await using second = await Client.open(shared.gateway);
  await second.request({ ...mine, attempt: 2 });
  await second.until("assign", ({ partitions }) => partitions.length === 1);
  await using first = await Client.open(shared.gateway);
  const refusal = await first.request({ ...mine, attempt: 1 }).catch((error) => error);
  assert(refusal instanceof Refusal);
  const { code, retry, effect } = refusal.reply;
  assertEquals([code, retry, effect], ["fenced", "never", "none"]);
  await second.beat();
  assertEquals(second.pushes("end").length, 0, "the later one goes on");
  await using third = await Client.open(shared.gateway);
  await third.request({ ...mine, attempt: 3 });
  assertEquals((await second.until("end")).code, "fenced");
});
