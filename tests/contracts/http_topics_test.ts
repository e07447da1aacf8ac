/** Section 6 of the page: topics, publishing and reading over HTTP, row by row. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { DeliveredRecord, ErrorReply, ProducerGiven, Published } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import {
  call,
  deleteTopic,
  describeTopic,
  fresh,
  json,
  makeTopic,
  type TopicAnswer,
} from "../support/http.ts";

const shared = Gateway.shared();

interface Read {
  readonly records: readonly DeliveredRecord[];
  readonly next: number;
}

Deno.test("PUT topic: 201 if created, 200 if it exists, 409 with another partition count", async () => {
  const path = `/v1/topics/${fresh("topic")}`;
  const put = (body: unknown) => call(shared.gateway, "PUT", path, body);
  assertEquals((await put({ partitions: 3 })).status, 201);
  assertEquals((await put({ partitions: 3 })).status, 200);
  const other = await put({ partitions: 4 });
  assertEquals([other.status, JSON.parse(other.text).code], [409, "topic_exists"]);
});

Deno.test("PUT topic sets retention anew; what is absent is unbounded", async () => {
  const topic = await makeTopic(shared.gateway, 1, { retentionMs: 3_600_000, retentionBytes: 5e6 });
  const first = await describeTopic(shared.gateway, topic);
  assertEquals([first.retentionMs, first.retentionBytes], [3_600_000, 5e6]);
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, {
    partitions: 1,
    retentionBytes: 6e6,
  });
  const second = await describeTopic(shared.gateway, topic);
  assertEquals([second.retentionMs, second.retentionBytes], [undefined, 6e6]);
  assertEquals(second.incarnation, first.incarnation);
});

Deno.test("PUT topic wants 1 to 1024 partitions and whole, positive retention", async () => {
  const path = `/v1/topics/${fresh("topic")}`;
  const bodies: unknown[] = [
    ...[undefined, 0, -1, 1.5, 1025, "3", null].map((partitions) => ({ partitions })),
    ...[-1, 1.5, "1d", null].map((retentionMs) => ({ partitions: 1, retentionMs })),
    ...[-1, 1.5, "1k", null].map((retentionBytes) => ({ partitions: 1, retentionBytes })),
    ...[null, [], "partitions", 5],
    ...["", "{", "{} {}"],
  ];
  for (const body of bodies) {
    const answer = await call(shared.gateway, "PUT", path, body);
    assertEquals(answer.status, 400, JSON.stringify(body));
    assertEquals(JSON.parse(answer.text).code, "invalid_frame");
  }
  assertEquals((await call(shared.gateway, "GET", path)).status, 404);
  await json(shared.gateway, "PUT", path, { partitions: 1024 }, 201);
});

Deno.test("GET topic tells its incarnation and each partition's start, next and bytes", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [{ value: "a", partition: 1 }, { value: "b", partition: 1 }]);
  const described = await describeTopic(shared.gateway, topic);
  assertEquals(described.topic, topic);
  assertEquals(described.incarnation, (await client.subscribe(topic)).incarnation);
  assertEquals(
    described.partitions.map(({ partition, start, next }) => [partition, start, next]),
    [[0, 0, 0], [1, 0, 2]],
  );
  assertEquals(described.partitions[0]!.bytes, 0);
  assert(described.partitions[1]!.bytes > 0);
});

Deno.test("GET topics lists them all", async () => {
  const made = [await makeTopic(shared.gateway, 1), await makeTopic(shared.gateway, 2)];
  const { topics } = await json<{ topics: TopicAnswer[] }>(shared.gateway, "GET", "/v1/topics");
  for (const topic of made) assert(topics.some((one) => one.topic === topic), topic);
});

Deno.test("DELETE topic is 204, then 404; created again it is another one", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const before = await describeTopic(shared.gateway, topic);
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records: [{ value: 1 }] });
  await deleteTopic(shared.gateway, topic);
  for (const method of ["GET", "DELETE"]) {
    assertEquals((await call(shared.gateway, method, `/v1/topics/${topic}`)).status, 404);
  }
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 2 }, 201);
  const after = await describeTopic(shared.gateway, topic);
  assertNotEquals(after.incarnation, before.incarnation);
  assertEquals(after.partitions.map(({ next }) => next), [0, 0]);
});

Deno.test("POST records publishes; a subscriber on a socket gets it", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const record = { key: "k", value: { a: [1] }, headers: { h: "v" }, partition: 1 };
  const { offsets } = await json<Published>(
    shared.gateway,
    "POST",
    `/v1/topics/${topic}/records`,
    { records: [record, { ...record, value: null }] },
  );
  assertEquals(offsets, [[1, 0], [1, 1]]);
  const delivered = await client.records(subscription, 2);
  assertEquals(delivered.map(({ key, value, headers }) => ({ key, value, headers })), [
    { key: "k", value: { a: [1] }, headers: { h: "v" } },
    { key: "k", value: null, headers: { h: "v" } },
  ]);
});

Deno.test("POST producers and records: repeats over HTTP get their original offsets", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const name = fresh("producer");
  const init = () => json<ProducerGiven>(shared.gateway, "POST", "/v1/producers", { name });
  const { producer, keptMs } = await init();
  assertEquals(keptMs, 24 * 3_600_000);
  const post = (sequence: number, epoch = producer.epoch) =>
    call(shared.gateway, "POST", `/v1/topics/${topic}/records`, {
      records: [{ value: sequence }],
      producer: { ...producer, epoch, sequence },
    });
  const first = JSON.parse((await post(0)).text) as Published;
  assertEquals([first.offsets, first.duplicate], [[[0, 0]], undefined]);
  await post(1);
  const again = JSON.parse((await post(0)).text) as Published;
  assertEquals([again.offsets, again.duplicate], [[[0, 0]], true]);
  const { producer: newer } = await init();
  assertEquals(newer.id, producer.id);
  assertEquals((await post(0, newer.epoch)).status, 200);
  const fenced = await post(2);
  assertEquals([fenced.status, JSON.parse(fenced.text).code], [409, "producer_fenced"]);
  assertEquals((await describeTopic(shared.gateway, topic)).partitions[0]!.next, 3);
});

Deno.test("POST producers without a name gives another id each time", async () => {
  const ids = new Set<string>();
  for (const body of [{}, {}, { name: fresh("producer") }]) {
    ids.add((await json<ProducerGiven>(shared.gateway, "POST", "/v1/producers", body)).producer.id);
  }
  assertEquals(ids.size, 3);
});

Deno.test("GET records reads from the start and 100, or as offset and limit say", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const values = Array.from({ length: 150 }, (_, value) => ({ key: `k${value}`, value }));
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records: values });
  const read = (query: string) =>
    json<Read>(shared.gateway, "GET", `/v1/topics/${topic}/partitions/0/records${query}`);
  const first = await read("");
  assertEquals([first.records.length, first.next], [100, 100]);
  assertEquals(first.records.map(({ offset, key, value }) => [offset, key, value])[7], [
    7,
    "k7",
    7,
  ]);
  assert(Number.isSafeInteger(first.records[0]!.timestamp));
  const rest = await read(`?offset=${first.next}`);
  assertEquals([rest.records.length, rest.next], [50, 150]);
  const some = await read("?offset=20&limit=3");
  assertEquals([some.records.map(({ offset }) => offset), some.next], [[20, 21, 22], 23]);
  for (const offset of [150, 4_000]) {
    assertEquals(await read(`?offset=${offset}`), { records: [], next: offset });
  }
});

Deno.test("GET records with a bad offset, limit or partition is refused", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const path = `/v1/topics/${topic}/partitions`;
  for (
    const query of [
      "offset=-1",
      "offset=x",
      "offset=1.5",
      "offset=9007199254740992",
      "limit=0",
      "limit=x",
      "limit=-1",
    ]
  ) {
    const answer = await call(shared.gateway, "GET", `${path}/0/records?${query}`);
    assertEquals([answer.status, JSON.parse(answer.text).code], [400, "invalid_frame"], query);
  }
  assertEquals((await call(shared.gateway, "GET", `${path}/1/records`)).status, 404);
  for (const partition of ["-1", "x", "1.5", "9007199254740993"]) {
    const { status } = await call(shared.gateway, "GET", `${path}/${partition}/records`);
    assert(status === 400 || status === 404, `${partition}: ${status}`);
  }
});

Deno.test("an unknown topic is created by a POST of records, never by a GET", async () => {
  const topic = fresh("auto");
  const paths = [`/v1/topics/${topic}`, `/v1/topics/${topic}/partitions/0/records`];
  for (const path of [...paths, ...paths]) {
    assertEquals((await call(shared.gateway, "GET", path)).status, 404);
  }
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records: [{ value: 1 }] });
  assertEquals((await describeTopic(shared.gateway, topic)).partitions.length, 8);
});

Deno.test("a wrong method is 405, an unknown path 404 unknown_type", async () => {
  const wrong = [
    ["POST", "/v1/topics"],
    ["PATCH", "/v1/topics/t"],
    ["GET", "/v1/producers"],
    ["DELETE", "/v1/topics/t/records"],
    ["POST", "/v1/topics/t/partitions/0/records"],
    ["POST", "/v1/groups/g"],
    ["GET", "/v1/groups/g/offsets"],
    ["POST", "/healthz"],
  ];
  for (const [method, path] of wrong) {
    const body = method === "GET" || method === "DELETE" ? undefined : {};
    assertEquals(
      (await call(shared.gateway, method!, path!, body)).status,
      405,
      `${method} ${path}`,
    );
  }
  for (
    const path of ["/x", "/v1", "/v2/topics", "/v1/topics/a/b", "/v1/topics/", "/v1/connect/x"]
  ) {
    const answer = await call(shared.gateway, "GET", path);
    assertEquals(answer.status, 404, path);
    assertEquals((JSON.parse(answer.text) as ErrorReply).code, "unknown_type", path);
  }
});

Deno.test("healthz, readyz and metrics answer", async () => {
  assertEquals((await call(shared.gateway, "GET", "/healthz")).status, 200);
  assertEquals((await call(shared.gateway, "GET", "/readyz")).status, 200);
  const metrics = await call(shared.gateway, "GET", "/metrics");
  assertEquals(metrics.status, 200);
  assert(metrics.type.startsWith("text/plain"), metrics.type);
  assertMatch(metrics.text, /^# TYPE \w+ (counter|gauge|histogram)$/m);
  for (const line of metrics.text.split("\n")) {
    assertMatch(line, /^$|^# (HELP|TYPE) \w+ .*$|^\w+(\{[^}]*\})? -?[0-9.e+]+(Inf|NaN)?$/);
  }
});
