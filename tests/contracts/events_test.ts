/** Section 6 of the page: server-sent events. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { EventReader, type ServerSentEvent } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { call, deleteTopic, describeTopic, fresh, json, makeTopic } from "../support/http.ts";

const shared = Gateway.shared();

function path(topic: string, query: Record<string, string> = {}): string {
  return `/v1/topics/${topic}/events?${new URLSearchParams(query)}`;
}

function open(
  topic: string,
  query: Record<string, string> = {},
  lastId?: string,
): Promise<EventReader> {
  const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": lastId };
  return EventReader.open(shared.gateway.origin + path(topic, query), headers);
}

/** The `retry` that an `EventSource` gets if it is refused temporarily. */
async function comesBackAfter(gateway: Gateway, path: string): Promise<number> {
  const asking = { accept: "text/event-stream" };
  const { status, type, text } = await call(gateway, "GET", path, undefined, asking);
  assertEquals([status, type], [200, "text/event-stream; charset=utf-8"]);
  return Number(/^retry: (\d+)\n\n$/.exec(text)?.[1]);
}

async function publish(topic: string, ...records: unknown[]): Promise<void> {
  await json(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records });
}

function values(events: readonly ServerSentEvent[]): unknown[] {
  return events.map(({ data }) => data.value);
}

Deno.test("an event has the record with its topic and partition, whatever the JSON looks like", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const body = `{"records":[{"key":"k","value":{ "a":\n [1,\r\n2] },"headers":{"h":"v"}}]}`;
  await call(shared.gateway, "POST", `/v1/topics/${topic}/records`, body);
  const reader = await open(topic, { from: "earliest" });
  assertMatch(reader.response.headers.get("content-type")!, /^text\/event-stream/);
  assertEquals(reader.response.headers.get("cache-control"), "no-store");
  const { event, data } = (await reader.next())!;
  const { timestamp, ...rest } = data;
  assertEquals([event, typeof timestamp], ["record", "number"]);
  const expected = { topic, partition: 0, offset: 0, key: "k", value: { a: [1, 2] } };
  assertEquals(rest, { ...expected, headers: { h: "v" } });
  const retry = reader.retry!;
  assert(retry >= 1_000 && retry <= 5_000, `browsers are told to come back after ${retry} ms`);
  await reader.close();
});

Deno.test("events come of all partitions, in the order of each, from earliest or from now on", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  const batch = (from: number) =>
    Array.from({ length: 40 }, (_, i) => ({ value: from + i, partition: i % 4 }));
  await publish(topic, ...batch(0));
  const [early, late] = [await open(topic, { from: "earliest" }), await open(topic)];
  await late.stands();
  await publish(topic, ...batch(40));
  const [all, rest] = [await early.take(80), await late.take(40)];
  for (let partition = 0; partition < 4; partition++) {
    const offsets = all.filter(({ data }) => data.partition === partition)
      .map(({ data }) => data.offset);
    assertEquals(offsets, Array.from({ length: 20 }, (_, i) => i));
  }
  assert(rest.every(({ data }) => data.value >= 40));
  await early.close();
  await late.close();
});

Deno.test("a reader that reconnects with the last id misses nothing and gets nothing twice", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  const total = 300;
  const publishing = (async () => {
    for (let i = 0; i < total; i += 10) {
      await publish(
        topic,
        ...Array.from({ length: 10 }, (_, n) => ({ value: i + n, partition: (i + n) % 3 })),
      );
    }
  })();
  const seen: unknown[] = [];
  let id: string | undefined;
  for (let turn = 0; seen.length < total; turn++) {
    const reader = await open(topic, { from: "earliest" }, id);
    seen.push(...values(await reader.take(Math.min(7 + turn * 11, total - seen.length))));
    id = reader.lastId;
    await reader.close();
  }
  await publishing;
  assertEquals(seen.length, total);
  assertEquals(new Set(seen).size, total);
});

Deno.test("an id is taken as from; the header overrides it; there is one before the first event", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const first = await open(topic);
  await first.stands();
  const begin = first.lastId;
  await first.close();
  await publish(topic, { value: "missed", partition: 0 }, { value: "too", partition: 1 });
  const byQuery = await open(topic, { from: begin });
  assertEquals(new Set(values(await byQuery.take(2))), new Set(["missed", "too"]));
  const byHeader = await open(topic, { from: begin }, byQuery.lastId);
  await byHeader.stands();
  await publish(topic, { value: "new", partition: 0 });
  assertEquals(values(await byHeader.take(1)), ["new"]);
  await byQuery.close();
  await byHeader.close();
});

Deno.test("partitions and keys select the records", async () => {
  const topic = await makeTopic(shared.gateway, 4);
  const some = await open(topic, { partitions: "1,3" });
  const keyed = await EventReader.open(
    `${shared.gateway.origin}/v1/topics/${topic}/events?key=a&key=b`,
  );
  await some.stands();
  await keyed.stands();
  for (let i = 0; i < 4; i++) await publish(topic, { value: i, partition: i });
  for (const key of ["a", "x", "b", "y", "a"]) await publish(topic, { key, value: key });
  assertEquals(values(await some.take(2)), [1, 3]);
  const [one, two, three] = await keyed.take(3);
  assertEquals([one, two, three].map((event) => event!.data.key).sort(), ["a", "a", "b"]);
  await some.close();
  await keyed.close();
});

Deno.test("a topic that was created again, or a position beyond the end, gets a reset", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await publish(topic, { value: 1, partition: 0 }, { value: 2, partition: 1 });
  const reader = await open(topic, { from: "earliest" });
  await reader.take(2);
  const id = reader.lastId;
  await deleteTopic(shared.gateway, topic);
  assertEquals(await reader.next(), undefined, "it ends with its topic");
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 1 }, 201);
  await publish(topic, { value: "new", partition: 0 });
  const again = await open(topic, {}, id);
  const [reset, record] = await again.take(2);
  assertEquals(
    [reset!.event, reset!.data],
    ["reset", { topic, partition: 0, offset: 0, reason: "incarnation" }],
  );
  assertEquals(record!.data.value, "new");
  await again.close();

  const { incarnation } = await describeTopic(shared.gateway, topic);
  const beyond = await open(topic, { from: `${incarnation}:0.zz` });
  assertEquals(
    (await beyond.next())!.data,
    { topic, partition: 0, offset: 1, reason: "beyond_end" },
  );
  await beyond.close();
});

Deno.test("a trimmed log gets a gap, and the stream continues after it", async () => {
  const topic = await makeTopic(shared.gateway, 1, { retentionBytes: 20_000 });
  const begin = await open(topic, { from: "earliest" });
  await begin.stands();
  const id = begin.lastId;
  await begin.close();
  for (let i = 0; i < 10; i++) await publish(topic, { value: "x".repeat(9_000), partition: 0 });
  let start = 0;
  await eventually("it is trimmed", async () => {
    start = (await describeTopic(shared.gateway, topic)).partitions[0]!.start;
    return start > 0;
  });
  const reader = await open(topic, { from: id });
  const gap = (await reader.next())!;
  assertEquals(gap.event, "gap");
  assertEquals([gap.data.from, gap.data.reason], [0, "trimmed"]);
  assertEquals((await reader.next())!.data.offset, gap.data.to);
  await reader.close();
});

Deno.test("readers that do not read take little memory, and miss nothing when they read on", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const readers = [];
  for (let i = 0; i < 16; i++) readers.push(await open(topic, { from: "earliest" }));
  for (const reader of readers) await reader.stands();
  const [reader] = readers;
  const [size, count] = [20_000, 1_500];
  for (let i = 0; i < count; i += 20) {
    await publish(
      topic,
      ...Array.from(
        { length: 20 },
        (_, n) => ({ value: `${i + n}-${"x".repeat(size)}`, partition: 0 }),
      ),
    );
  }
  const { text } = await call(shared.gateway, "GET", "/metrics");
  const resident = Number(/^weir_resident_bytes (\d+)$/m.exec(text)![1]);
  assert(resident < 400e6, `${resident} bytes resident`);
  for (let i = 0; i < count; i++) {
    const { data } = (await reader!.next())!;
    assertEquals([data.offset, parseInt(data.value)], [i, i]);
  }
  for (const reader of readers) await reader.close();
});

Deno.test("a malformed request is refused, and creates no topic", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const wrong: [Record<string, string>, RegExp][] = [
    [{ from: "now" }, /^from must be/],
    [{ from: "01M8:0.zz!" }, /^from must be/],
    [{ from: "01M8:0.1-0.2" }, /^from must be/],
    [{ partitions: "" }, /^partitions must be/],
    [{ partitions: "0,x" }, /^partitions must be/],
    [{ partitions: "-1" }, /^partitions must be/],
  ];
  for (const [query, message] of wrong) {
    const answer = await call(shared.gateway, "GET", path(topic, query));
    assertEquals(answer.status, 400, JSON.stringify(query));
    assertMatch(JSON.parse(answer.text).message, message);
  }
  const bad = await call(shared.gateway, "GET", path(topic), undefined, { "last-event-id": "no" });
  assertMatch(JSON.parse(bad.text).message, /^Last-Event-ID must be/);
  const elsewhere = await Promise.all(["0", "1"].map(async (partitions) => {
    const reader = await open(topic, { key: "k", partitions });
    const { status } = reader.response;
    if (status === 200) await reader.stands();
    await reader.close();
    return [status, /^[^:]+:./.test(reader.lastId)];
  }));
  assertEquals(elsewhere.sort(), [[200, true], [400, false]], "a key is in one of them");
  const beyond = await call(shared.gateway, "GET", path(topic, { partitions: "2" }));
  assertEquals([beyond.status, JSON.parse(beyond.text).code], [404, "unknown_partition"]);
  const keys = Array.from({ length: 101 }, (_, i) => `key=${i}`).join("&");
  assertEquals((await call(shared.gateway, "GET", `${path(topic)}${keys}`)).status, 400);
  const none = fresh("topic");
  assertEquals((await call(shared.gateway, "GET", path(none))).status, 404);
  assertEquals((await call(shared.gateway, "GET", `/v1/topics/${none}`)).status, 404);
  assertEquals((await call(shared.gateway, "HEAD", path(topic))).status, 200);
});

Deno.test("a topic of over 128 partitions is read by up to 128 that are named", async () => {
  const topic = await makeTopic(shared.gateway, 200);
  const answer = await call(shared.gateway, "GET", path(topic));
  assertMatch(JSON.parse(answer.text).message, /^partitions must be given/);
  const many = Array.from({ length: 129 }, (_, i) => i).join();
  assertEquals((await call(shared.gateway, "GET", path(topic, { partitions: many }))).status, 400);
  const reader = await open(topic, { partitions: "150,199", from: "earliest" });
  await publish(topic, { value: "here", partition: 199 });
  assertEquals((await reader.next())!.data.partition, 199);
  await reader.close();
});

Deno.test("a draining gateway ends its event streams, and begins none", async () => {
  await using gateway = await Gateway.start({ WEIR_DRAIN_MS: "3000" });
  const topic = await makeTopic(gateway, 1);
  const reader = await EventReader.open(gateway.origin + path(topic));
  await reader.stands();
  // A member that never releases its partitions keeps the gateway draining for a while.
  const socket = new WebSocket(gateway.socketUrl, "weir.v1");
  const assigned = new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => data.includes(`"assign"`) && resolve();
  });
  socket.onopen = () => {
    const join = { type: "join", id: 2, group: fresh("group"), topics: [topic] };
    socket.send(JSON.stringify([{ type: "hello", id: 1 }, join]));
  };
  await assigned;
  gateway.signal("SIGTERM");
  assertEquals(await reader.next(), undefined);
  assertEquals((await call(gateway, "GET", path(topic))).status, 503);
  assert(await comesBackAfter(gateway, path(topic)) >= 1_000);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
});

Deno.test("a reader that loses the stream before a reset or a gap gets it again", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await publish(topic, { value: 1, partition: 0 }, { value: 2, partition: 1 });
  const reader = await open(topic, { from: "earliest" });
  await reader.take(2);
  const id = reader.lastId;
  await deleteTopic(shared.gateway, topic);
  await reader.next();
  await json(shared.gateway, "PUT", `/v1/topics/${topic}`, { partitions: 2 }, 201);
  const lost = await open(topic, {}, id);
  await lost.stands();
  assertEquals(lost.lastId, id, "it begins where the reader was");
  const [first] = await lost.take(1);
  await lost.close();
  const again = await open(topic, {}, first!.id);
  const resets = await again.take(2);
  assertEquals(resets.map(({ event, data }) => [event, data.partition]), [["reset", 0], [
    "reset",
    1,
  ]]);
  await again.close();
  const after = await open(topic, {}, resets[1]!.id);
  await publish(topic, { value: "new", partition: 1 });
  assertEquals((await after.next())!.data.value, "new");
  await after.close();
});

Deno.test("an id and partitions: only those of both are followed", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const reader = await open(topic, { from: "earliest" });
  await reader.stands();
  const id = reader.lastId;
  await reader.close();
  await publish(topic, { value: "zero", partition: 0 }, { value: "one", partition: 1 });
  const one = await open(topic, { partitions: "1" }, id);
  assertEquals((await one.next())!.data.value, "one");
  await one.close();
});

Deno.test("thousands of small records are delivered in order, however many there are at once", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const records = Array.from({ length: 1_000 }, (_, value) => ({ value, partition: 0 }));
  for (let i = 0; i < 3; i++) await publish(topic, ...records);
  const reader = await open(topic, { from: "earliest" });
  const events = await reader.take(3_000);
  assertEquals(events.map(({ data }) => data.offset), Array.from({ length: 3_000 }, (_, i) => i));
  await reader.close();
});

Deno.test("a browser that is one too many is told to retry, so that it does not give up", async () => {
  await using gateway = await Gateway.start({ WEIR_MAX_SOCKETS: "1" });
  const topic = await makeTopic(gateway, 1);
  const first = await EventReader.open(gateway.origin + path(topic));
  assert(await comesBackAfter(gateway, path(topic)) >= 5_000);
  // Permanent errors have their usual status.
  const asking = { accept: "text/event-stream" };
  assertEquals((await call(gateway, "GET", path("none"), undefined, asking)).status, 404);
  await first.close();
});

Deno.test("a browser whose token cannot be verified yet is told to retry, from any origin", async () => {
  const issuer = Deno.serve({ port: 0, onListen() {} }, () => new Response("no", { status: 503 }));
  try {
    await using gateway = await Gateway.start({
      WEIR_JWKS_URL: `http://127.0.0.1:${issuer.addr.port}/keys`,
      WEIR_ORIGINS: "https://app.example",
    });
    const header = btoa(JSON.stringify({ alg: "ES256", kid: "1" })).replaceAll("=", "");
    const token = { access_token: `${header}.e30.AAAA` };
    assert(await comesBackAfter(gateway, path("any", token)) >= 5_000);
    const answer = await call(gateway, "GET", path("any", token), undefined, {
      accept: "text/event-stream",
      origin: "https://app.example",
    });
    assertEquals(answer.headers.get("access-control-allow-origin"), "https://app.example");
    assertEquals((await call(gateway, "GET", path("any", token))).status, 503);
  } finally {
    await issuer.shutdown();
  }
});
