/**
 * Section 5 of the page: each code of the table that a client can cause, over the socket and over
 * HTTP, with its status, `retry` and `effect`. (`SessionRules` checks the latter two of every error
 * of every test; the close codes are tested together with their rules.) Not to be caused here:
 * `unauthenticated` and `forbidden` without a key, `rate_limited`, `fenced`, `timeout`, `internal`.
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { ERROR_TABLE, type ErrorReply, type Frame } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, json, makeTopic } from "../support/http.ts";

const shared = Gateway.shared({ WEIR_AUTO_PARTITIONS: "0" });

Deno.test("each code is a row: over a socket it has this retry and this effect", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const member = (await client.join(fresh("group"), [topic])).subscription;
  const { recordBytes, publishRecords } = client.welcome.limits;
  const publish = { type: "publish", topic };
  const stored = { ...(await client.initProducer()).producer, sequence: 0 };
  await client.publish(topic, [{ value: 1 }], stored);
  const provoked: [string, Frame][] = [
    ["invalid_frame", { type: "publish" }],
    ["unknown_type", { type: "levitate" }],
    ["unknown_topic", { ...publish, topic: "nowhere", records: [{ value: 1 }] }],
    ["unknown_topic", { type: "subscribe", topic: "nowhere" }],
    ["unknown_topic", { type: "join", group: "g", topics: [topic, "nowhere"] }],
    ["unknown_partition", { ...publish, records: [{ value: 1, partition: 1 }] }],
    ["unknown_subscription", { type: "unsubscribe", subscription: 4_711 }],
    ["unknown_subscription", {
      type: "commit",
      subscription: 4_711,
      offsets: [{ topic, partition: 0, offset: 0 }],
    }],
    ["record_too_large", { ...publish, records: [{ value: "v".repeat(recordBytes!) }] }],
    ["batch_too_large", { ...publish, records: Array(publishRecords! + 1).fill({ value: 1 }) }],
    ["sequence_gap", { ...publish, records: [{ value: 1 }], producer: { ...stored, sequence: 5 } }],
    ["offset_out_of_range", {
      type: "seek",
      subscription,
      partitions: [{ topic, partition: 0, offset: 99 }],
    }],
    ["not_owner", {
      type: "commit",
      subscription: member,
      offsets: [{ topic, partition: 1, offset: 0 }],
    }],
  ];
  for (const [code, frame] of provoked) {
    const error = await client.refused(code, frame);
    assertEquals([error.retry, error.effect], ERROR_TABLE[code]!.slice(1) as [string, string]);
    assert(error.message.length > 10, error.message);
  }
});

Deno.test("each code is a row: over HTTP it has this status, as problem+json", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const group = fresh("group");
  await using client = await Client.open(shared.gateway);
  await client.join(group, [topic]);
  await client.until("assign");
  const records = `/v1/topics/${topic}/records`;
  const read = `/v1/topics/${topic}/partitions`;
  const provoked: [string, string, string, unknown?][] = [
    ["invalid_frame", "POST", records, {}],
    ["unknown_type", "GET", "/v1/nothing"],
    ["unknown_topic", "GET", "/v1/topics/nowhere"],
    ["unknown_topic", "DELETE", "/v1/topics/nowhere"],
    ["unknown_topic", "POST", "/v1/topics/nowhere/records", { records: [{ value: 1 }] }],
    ["unknown_partition", "GET", `${read}/1/records`],
    ["unknown_group", "GET", "/v1/groups/nobody"],
    ["unknown_group", "DELETE", "/v1/groups/nobody"],
    ["topic_exists", "PUT", `/v1/topics/${topic}`, { partitions: 2 }],
    ["group_active", "DELETE", `/v1/groups/${group}`],
    ["record_too_large", "POST", records, { records: [{ value: "v".repeat(300_000) }] }],
    ["batch_too_large", "POST", records, { records: Array(1_001).fill({ value: 1 }) }],
    ["offset_out_of_range", "PUT", `/v1/groups/${fresh("group")}/offsets`, {
      offsets: [{ topic, partition: 0, offset: 1 }],
    }],
  ];
  for (const [code, method, path, body] of provoked) {
    const answer = await call(shared.gateway, method, path, body);
    const [status, retry, effect] = ERROR_TABLE[code]!;
    assertEquals(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert(answer.type.startsWith("application/problem+json"), answer.type);
    const problem = JSON.parse(answer.text) as ErrorReply;
    assertEquals([problem.code, problem.retry, problem.effect], [code, retry, effect]);
    assert(problem.message.length > 10, answer.text);
  }
});

Deno.test("where topics must be created, neither GET nor first use creates one", async () => {
  await call(shared.gateway, "GET", "/v1/topics/nowhere");
  const { topics } = await json<{ topics: { topic: string }[] }>(
    shared.gateway,
    "GET",
    "/v1/topics",
  );
  assert(!topics.some(({ topic }) => topic === "nowhere"));
});

Deno.test("a refused request leaves the session and its other requests alone", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const replies = await client.all([
    { type: "publish", topic, records: [{ value: 1 }] },
    { type: "publish", topic, records: [{ value: 1, partition: 4 }] },
    { type: "levitate" },
    { type: "publish", topic, records: [{ value: 2 }] },
  ]);
  assertEquals(replies.map(({ type }) => type), ["ok", "error", "error", "ok"]);
});
