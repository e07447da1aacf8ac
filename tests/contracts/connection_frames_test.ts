/** Section 1 of the page: messages, frames, requests and replies, and the order in which they act. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Published, Subscribed } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { fresh, makeTopic } from "../support/http.ts";
import { OPCODE, RawSocket } from "../support/raw_socket.ts";

const shared = Gateway.shared();

const record = (value: unknown, partition = 0) => ({ value, partition });

Deno.test("a handshake that offers no subprotocol we know gets 400", async () => {
  for (const offered of [undefined, "", "weir.v0", "weir.v2, mqtt", "WEIR.V1"]) {
    using socket = await RawSocket.connect(shared.gateway);
    const head = await socket.shake(shared.gateway, { "sec-websocket-protocol": offered });
    assert(head.startsWith("HTTP/1.1 400 "), `${offered}: ${head}`);
  }
});

Deno.test("weir.v1 is picked from whatever else is offered", async () => {
  using socket = await RawSocket.connect(shared.gateway);
  const head = await socket.shake(shared.gateway, {
    "sec-websocket-protocol": "mqtt, weir.v1, graphql-ws",
  });
  assert(head.startsWith("HTTP/1.1 101 "), head);
  assert(/^sec-websocket-protocol: weir\.v1\r?$/im.test(head), head);
});

Deno.test("a message is one frame or an array of 1 to 64 frames", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const publish = { type: "publish", topic, records: [record(1)] };
  for (const count of [1, 2, 64]) {
    const replies = await client.all(Array.from({ length: count }, () => publish));
    assertEquals(replies.map(({ type }) => type), Array(count).fill("ok"));
  }
});

Deno.test("an array of another length is one bad frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const publish = { type: "publish", topic, records: [record(1)] };
  client.sendText("[]");
  assertEquals((await client.until("error")).code, "invalid_frame");
  client.sendText(JSON.stringify(Array(65).fill(publish)));
  assertEquals((await client.until("error")).code, "invalid_frame");
  await client.beat();
  assertEquals(client.pushes("error").length, 2);
  assertEquals((await client.publish(topic, [record(2)])).offsets, [[0, 0]]);
});

Deno.test("a bad frame in an array spoils only itself", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const bad = [null, 7, "text", [], {}, { type: 5 }, { type: "publish", topic, records: 3 }];
  const good = bad.map((_, index) => ({
    id: 100 + index,
    type: "publish",
    topic,
    records: [record(index)],
  }));
  client.sendText(JSON.stringify(bad.flatMap((frame, index) => [frame, good[index]])));
  for (const { id } of good) {
    const reply = await client.reply(id) as unknown as Published;
    assertEquals(reply.offsets, [[0, id - 100]]);
  }
  await client.when(() => client.pushes("error").length === bad.length, "an error for each");
  for (const error of client.pushes("error")) assertEquals(error.code, "invalid_frame");
});

Deno.test("a binary message closes the socket with 1003", async () => {
  await using client = await Client.open(shared.gateway);
  client.sendBinary(new TextEncoder().encode(`{"type":"heartbeat"}`));
  assertEquals(await client.closeCode(), 1003);
});

Deno.test("a message of limits.messageBytes is taken, a longer one closes with 1009", async () => {
  await using client = await Client.open(shared.gateway);
  const { messageBytes } = client.welcome.limits;
  client.sendText(`{"type":"heartbeat","id":1000}`.padEnd(messageBytes!));
  assertEquals((await client.reply(1000)).type, "ok");
  client.sendText(`{"type":"heartbeat","id":1001}`.padEnd(messageBytes! + 1));
  assertEquals(await client.closeCode(), 1009);
});

Deno.test("an id is an integer from 1 to 2^31-1; what has another is an invalid_frame with no id", async () => {
  await using client = await Client.open(shared.gateway);
  for (const id of [0, -1, 1.5, 2 ** 31, 2 ** 53, "1", null, true, [1], {}]) {
    client.sendText(JSON.stringify({ type: "heartbeat", id }));
    const error = await client.until("error");
    assertEquals([error.code, error.id], ["invalid_frame", undefined], JSON.stringify(id));
  }
  for (const id of [1, 2 ** 31 - 1]) {
    client.send({ type: "heartbeat", id });
    assertEquals((await client.reply(id)).type, "ok");
  }
});

Deno.test("an id that is still open makes an invalid_frame with no id; once answered it is free", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const publish = { type: "publish", id: 77, topic, records: [record("a")] };
  client.sendAll([publish, publish]);
  assertEquals((await client.until("error")).code, "invalid_frame");
  assertEquals((await client.reply(77)).type, "ok");
  client.send(publish);
  const again = await client.reply(77) as unknown as Published;
  assertEquals(again.offsets, [[0, 1]]);
});

Deno.test("an invalid frame whose id can be read is answered under it", async () => {
  await using client = await Client.open(shared.gateway);
  const error = await client.refused("invalid_frame", { type: "publish", topic: "t" });
  assert(error.message.includes("records"), `The message names the field: ${error.message}`);
});

Deno.test("a push type with an id gets ok", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const member = await client.join(fresh("group"), [topic]);
  await client.until("assign");
  await client.request({ type: "heartbeat" });
  await client.request({ type: "credit", subscription, records: 1 });
  await client.request({
    type: "release",
    subscription: member.subscription,
    partitions: [{ topic, partition: 0 }],
  });
});

Deno.test("a request type without an id, but for publish, is an invalid_frame", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  const requests = [
    { type: "initProducer" },
    { type: "transact", publish: [{ topic, records: [record(1)] }] },
    { type: "subscribe", topic },
    { type: "seek", subscription, partitions: [{ topic, partition: 0, offset: 0 }] },
    { type: "unsubscribe", subscription },
    { type: "join", group: fresh("group"), topics: [topic] },
    { type: "commit", subscription, offsets: [{ topic, partition: 0, offset: 0 }] },
    { type: "leave", subscription },
    { type: "auth", token: "t" },
  ];
  for (const request of requests) {
    client.send(request);
    const error = await client.until("error");
    assertEquals([error.code, error.id], ["invalid_frame", undefined], request.type);
  }
  await client.publish(topic, [record(2)]);
  assertEquals((await client.records(subscription, 1))[0]!.offset, 0);
});

Deno.test("a publish without an id is checked and stored, and answered only if it is invalid", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  client.send({ type: "publish", topic, records: [record("kept")] });
  client.send({ type: "publish", topic, records: [record("nowhere", 5)] });
  client.send({ type: "publish", topic, records: [] });
  assertEquals((await client.until("error")).code, "invalid_frame");
  assertEquals((await client.publish(topic, [record("last")])).offsets, [[0, 1]]);
  const delivered = await client.records(subscription, 2);
  assertEquals(delivered.map(({ value }) => value), ["kept", "last"]);
  assertEquals(client.pushes("error").length, 1);
});

Deno.test("unknown fields are ignored", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const reply = await client.request<Published>({
    type: "publish",
    topic,
    records: [{ ...record(1), colour: "blue" }],
    priority: { high: true },
  });
  assertEquals(reply.offsets, [[0, 0]]);
});

Deno.test("publishes to one partition take effect in the order they came, with no wait", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic);
  for (let n = 0; n < 300; n++) client.send({ type: "publish", topic, records: [record(n)] });
  const delivered = await client.records(subscription, 300);
  assertEquals(delivered.map(({ value }) => value), Array.from({ length: 300 }, (_, n) => n));
});

Deno.test("a subscribe behind a publish begins after it, one before a publish gets it", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const publish = (value: string) => ({ type: "publish", topic, records: [record(value)] });
  for (let round = 0; round < 10; round++) {
    const [, subscribed] = await client.all(
      [publish("before"), { type: "subscribe", topic }, publish("after")],
    );
    const { subscription, positions } = subscribed as unknown as Subscribed;
    assertEquals(positions[0]!.offset, 2 * round + 1);
    const delivered = await client.records(subscription, 1);
    assertEquals(delivered[0]!.value, "after");
    await client.request({ type: "unsubscribe", subscription });
  }
});

Deno.test("the ok of subscribe comes before every push that names its subscription", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await client.publish(topic, [record(1), record(2)]);
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  await client.records(subscription, 2);
  const ok = client.seen.findIndex((frame) => frame.type === "ok" && "positions" in frame);
  const first = client.seen.findIndex((frame) => frame.type === "records");
  assert(ok >= 0 && ok < first);
});

Deno.test("after the ok of unsubscribe nothing comes for it, and its number is not used again", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  await using writer = await Client.open(shared.gateway);
  const used = new Set<number>();
  const writing = (async () => {
    for (let n = 0; n < 100; n++) await writer.publish(topic, [record(n)]);
  })();
  for (let round = 0; round < 20; round++) {
    const { subscription } = await client.subscribe(topic, { from: "earliest" });
    await client.request({ type: "unsubscribe", subscription });
    used.add(subscription);
  }
  await writing;
  await client.beat();
  assertEquals(used.size, 20);
});

Deno.test("a release may follow a commit without waiting for its reply", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  const group = fresh("group");
  await using first = await Client.open(shared.gateway);
  await using second = await Client.open(shared.gateway);
  await first.publish(topic, [record("a", 0), record("b", 1)]);
  const { subscription } = await first.join(group, [topic]);
  await first.until("assign", ({ partitions }) => partitions.length === 2);
  await second.join(group, [topic]);
  const { partitions } = await first.until("revoke");
  const offsets = partitions.map(({ topic, partition }) => ({ topic, partition, offset: 1 }));
  const id = first.id();
  first.sendAll([
    { type: "commit", id, subscription, offsets },
    { type: "release", subscription, partitions },
  ]);
  assertEquals((await first.reply(id)).type, "ok");
  const assigned = await second.until("assign", (push) => push.partitions.length > 0);
  assertEquals(assigned.partitions.map(({ offset }) => offset), partitions.map(() => 1));
});

Deno.test("more than inFlight open requests are overloaded; every request gets exactly one reply", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  using socket = await RawSocket.open(shared.gateway);
  await socket.sendTexts(`{"type":"hello","id":1}`);
  await socket.next();
  const publish = (id: number) => ({ type: "publish", id, topic, records: [{ value: 0 }] });
  const messages = Array.from(
    { length: 100 },
    (_, m) => JSON.stringify(Array.from({ length: 64 }, (_, n) => publish(2 + 64 * m + n))),
  );
  await socket.sendTexts(...messages);
  const answered = new Map<number, string>();
  while (answered.size < 6400) {
    const message = await socket.next();
    assert(message && message.opcode === OPCODE.text);
    const parsed = JSON.parse(new TextDecoder().decode(message.payload));
    for (const reply of Array.isArray(parsed) ? parsed : [parsed]) {
      assert(!answered.has(reply.id), `${reply.id} was answered twice`);
      assert(reply.type === "ok" || reply.code === "overloaded", JSON.stringify(reply));
      assert(reply.type === "ok" || Number.isInteger(reply.retryAfterMs), JSON.stringify(reply));
      answered.set(reply.id, reply.type);
    }
  }
  const stored = [...answered.values()].filter((type) => type === "ok").length;
  assert(stored >= 1024 && stored < 6400, `${stored} of 6400 were stored`);
});

Deno.test("more than 100 invalid or unknown frames in 10 s close the socket with 4502", async () => {
  await using client = await Client.open(shared.gateway);
  for (let n = 0; n < 50; n++) {
    client.sendText("{");
    client.send({ type: "levitate", id: client.id() });
  }
  await client.beat();
  client.send({ type: "levitate", id: client.id() });
  assertEquals(await client.closeCode(), 4502);
});
