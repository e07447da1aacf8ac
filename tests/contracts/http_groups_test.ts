/** Section 6 of the page: groups over HTTP, row by row. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Position } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { call, describeGroup, fresh, json, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

interface Reset {
  readonly offsets: readonly Position[];
}

/** A topic with ten records in each of two partitions. */
async function filled(client: Client): Promise<string> {
  const topic = await makeTopic(shared.gateway, 2);
  const values = (partition: number) => Array(10).fill({ value: 1, partition });
  await client.publish(topic, [...values(0), ...values(1)]);
  return topic;
}

const reset = (group: string, body: unknown) =>
  call(shared.gateway, "PUT", `/v1/groups/${group}/offsets`, body);

const sorted = (offsets: readonly Position[]) =>
  offsets.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);

Deno.test("GET group tells its epoch, its members with what they own, its offsets and the lag", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  const joined = await client.join(group, [topic], { instance: "worker-1" });
  await client.until("assign");
  const offsets = [{ topic, partition: 1, offset: 4 }];
  await client.commit(joined.subscription, offsets);
  const described = await describeGroup(shared.gateway, group);
  assertEquals(described.group, group);
  assert(Number.isSafeInteger(described.epoch));
  assertEquals(described.members.length, 1);
  const { member, instance, topics, partitions } = described.members[0]!;
  assertEquals([member, instance, topics], [joined.member, "worker-1", [topic]]);
  assertEquals(partitions.map(({ partition }) => partition).toSorted(), [0, 1]);
  assertEquals(described.offsets.toSorted((a, b) => a.partition - b.partition), [
    { topic, partition: 0, offset: 0, end: 10, lag: 10 },
    { topic, partition: 1, offset: 4, end: 10, lag: 6 },
  ]);
});

Deno.test("GET groups lists them all", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  await client.join(group, [topic]);
  const { groups } = await json<{ groups: { group: string }[] }>(
    shared.gateway,
    "GET",
    "/v1/groups",
  );
  assert(groups.some((one) => one.group === group));
});

Deno.test("DELETE group is 409 while it has live members, then 204, then 404", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  const { subscription } = await client.join(group, [topic]);
  await client.until("assign");
  await client.commit(subscription, [{ topic, partition: 0, offset: 4 }]);
  const path = `/v1/groups/${group}`;
  const active = await call(shared.gateway, "DELETE", path);
  assertEquals([active.status, JSON.parse(active.text).code], [409, "group_active"]);
  await client.request({ type: "leave", subscription });
  assertEquals((await call(shared.gateway, "DELETE", path)).status, 204);
  assertEquals((await call(shared.gateway, "GET", path)).status, 404);
  assertEquals((await call(shared.gateway, "DELETE", path)).status, 404);
  await client.join(group, [topic]);
  const assign = await client.until("assign");
  assertEquals(sorted(assign.partitions), [0, 0], "its offsets were deleted with it");
});

Deno.test("PUT offsets sets them, creates the group if need be, and may go back", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  for (const offset of [7, 3]) {
    const answer = await reset(group, { offsets: [{ topic, partition: 1, offset }] });
    assertEquals(answer.status, 200, answer.text);
    assertEquals((JSON.parse(answer.text) as Reset).offsets.map((one) => one.offset), [offset]);
  }
  const { members, offsets } = await describeGroup(shared.gateway, group);
  assertEquals([members.length, offsets.map(({ partition, offset }) => [partition, offset])], [
    0,
    [[1, 3]],
  ]);
  await client.join(group, [topic], { from: "latest" });
  const assign = await client.until("assign");
  assertEquals(sorted(assign.partitions), [10, 3]);
});

Deno.test("PUT offsets moves topics to earliest, latest or a timestamp", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  const cases: [unknown, number[]][] = [
    ["latest", [10, 10]],
    ["earliest", [0, 0]],
    [{ timestamp: Date.now() + 3_600_000 }, [10, 10]],
    [{ timestamp: 0 }, [0, 0]],
  ];
  for (const [to, expected] of cases) {
    const answer = await reset(group, { topics: [topic], to });
    assertEquals(answer.status, 200, answer.text);
    assertEquals(sorted((JSON.parse(answer.text) as Reset).offsets), expected);
    assertEquals(sorted((await describeGroup(shared.gateway, group)).offsets), expected);
  }
});

Deno.test("PUT offsets beyond the end is 416, and all or none", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  await reset(group, { topics: [topic], to: "earliest" });
  const offsets = [{ topic, partition: 0, offset: 5 }, { topic, partition: 1, offset: 11 }];
  const beyond = await reset(group, { offsets });
  const { code, start, next } = JSON.parse(beyond.text);
  assertEquals([beyond.status, code, start, next], [416, "offset_out_of_range", 0, 10]);
  assertEquals(sorted((await describeGroup(shared.gateway, group)).offsets), [0, 0]);
});

Deno.test("PUT offsets is 409 while the group has live members", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  const { subscription } = await client.join(group, [topic]);
  await client.until("assign");
  const answer = await reset(group, { topics: [topic], to: "latest" });
  assertEquals([answer.status, JSON.parse(answer.text).code], [409, "group_active"]);
  await client.request({ type: "leave", subscription });
  assertEquals((await reset(group, { topics: [topic], to: "latest" })).status, 200);
});

Deno.test("PUT offsets that is malformed, or for an unknown topic or partition, is refused", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await filled(client);
  const group = fresh("group");
  const cases: [number, unknown][] = [
    [404, { offsets: [{ topic: "nowhere", partition: 0, offset: 0 }] }],
    [404, { offsets: [{ topic, partition: 2, offset: 0 }] }],
    [404, { topics: ["nowhere"], to: "latest" }],
    [400, {}],
    [400, { topics: [topic] }],
    [400, { topics: [topic], to: "newest" }],
    [400, { topics: topic, to: "latest" }],
    [400, { offsets: [{ topic, partition: 0 }] }],
    [400, { offsets: [{ topic, partition: 0, offset: -1 }] }],
    [400, { offsets: [{ topic, partition: 0, offset: 2 ** 53 }] }],
  ];
  for (const [status, body] of cases) {
    const answer = await reset(group, body);
    assertEquals(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
  }
  assertEquals((await call(shared.gateway, "GET", `/v1/groups/${group}`)).status, 404);
});
