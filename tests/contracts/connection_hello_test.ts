/** Section 1 of the page: how a session begins. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Frame, Published } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";

const shared = Gateway.shared({ WEIR_HEARTBEAT_MS: "12000", WEIR_SESSION_TIMEOUT_MS: "34000" });

Deno.test("hello is answered with the session, the server, its times and its limits", async () => {
  await using client = await Client.open(shared.gateway, { hello: false });
  const welcome = await client.request<Frame>({
    type: "hello",
    token: "ignored where no key is configured",
    client: { name: "test", version: "1.0" },
  });
  assertMatch(welcome["session"] as string, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert("server" in welcome);
  assertEquals(welcome["heartbeatMs"], 12_000);
  assertEquals(welcome["sessionTimeoutMs"], 34_000);
  const limits = welcome["limits"] as Record<string, number>;
  for (
    const limit of [
      "messageBytes",
      "recordBytes",
      "publishRecords",
      "publishBytes",
      "publishPartitions",
      "commitOffsets",
      "inFlight",
      "subscriptions",
    ]
  ) assert(Number.isSafeInteger(limits[limit]) && limits[limit]! > 0, limit);
  assertEquals(welcome["expiresAt"], undefined);
});

Deno.test("hello again is an invalid_frame, and too many of them close the socket", async () => {
  await using client = await Client.open(shared.gateway);
  for (let i = 0; i < 100; i++) await client.refused("invalid_frame", { type: "hello" });
  client.send({ type: "hello", id: 999 });
  assertEquals(await client.closeCode(), 4502);
});

Deno.test("every session has another name", async () => {
  await using one = await Client.open(shared.gateway);
  await using other = await Client.open(shared.gateway);
  assert(one.welcome.session !== other.welcome.session);
});

Deno.test("any first frame but hello gets unauthenticated, then 4501", async () => {
  const frames: Frame[] = [
    { type: "publish", id: 5, topic: "t", records: [{ value: 1 }] },
    { type: "subscribe", id: 5, topic: "t" },
    { type: "auth", id: 5, token: "t" },
    { type: "heartbeat", id: 5 },
  ];
  for (const frame of frames) {
    await using client = await Client.open(shared.gateway, { hello: false });
    client.send(frame);
    const reply = await client.reply(5);
    assert(reply.type === "error" && reply.code === "unauthenticated", JSON.stringify(reply));
    assertEquals(await client.closeCode(), 4501);
  }
});

Deno.test("a first message that is no frame gets invalid_frame, then 4501", async () => {
  for (const text of ["", " ", "hello", "{", "null", "[]", "7", `{"type":7}`, `[[]]`]) {
    await using client = await Client.open(shared.gateway, { hello: false });
    client.sendText(text);
    assertEquals((await client.until("error")).code, "invalid_frame", text);
    assertEquals(await client.closeCode(), 4501);
  }
});

Deno.test("a malformed hello gets invalid_frame, then 4501", async () => {
  const hellos = [
    `{"type":"hello"}`,
    `{"type":"hello","id":0}`,
    `{"type":"hello","id":1,"token":5}`,
    `{"type":"hello","id":1,"client":"me"}`,
    `{"type":"hello","id":1,"client":{"name":1,"version":"1"}}`,
  ];
  for (const hello of hellos) {
    await using client = await Client.open(shared.gateway, { hello: false });
    client.sendText(hello);
    const error = await client.when(() => client.seen.find(({ type }) => type === "error"), hello);
    assertEquals(error["code"], "invalid_frame", hello);
    assertEquals(await client.closeCode(), 4501);
  }
});

Deno.test("no hello within 5 s closes with 4500", async () => {
  const opened = performance.now();
  await using client = await Client.open(shared.gateway, { hello: false });
  assertEquals(await client.closeCode(), 4500);
  const waited = performance.now() - opened;
  assert(waited > 4_500, `It waited ${waited} ms`);
});

Deno.test("before hello is answered a message of 8 KiB is taken, a longer one closes with 1009", async () => {
  await using client = await Client.open(shared.gateway, { hello: false });
  client.sendText(`{"type":"hello","id":1}`.padEnd(8 * 1024));
  assertEquals((await client.reply(1)).type, "ok");
  await using other = await Client.open(shared.gateway, { hello: false });
  other.sendText(`{"type":"hello","id":1}`.padEnd(8 * 1024 + 1));
  assertEquals(await other.closeCode(), 1009);
});

Deno.test("frames behind hello may be sent without waiting for its reply", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  const publish = { type: "publish", topic, records: [{ value: 1 }] };
  await using together = await Client.open(shared.gateway, { hello: false });
  const [, inOne] = await together.all([{ type: "hello" }, publish]);
  assertEquals((inOne as unknown as Published).offsets, [[0, 0]]);
  await using apart = await Client.open(shared.gateway, { hello: false });
  const hello = apart.request({ type: "hello" });
  const published = await apart.request<Published>(publish);
  await hello;
  assertEquals(published.offsets, [[0, 1]]);
});

Deno.test("with no key configured, auth is let through and the session goes on", async () => {
  await using client = await Client.open(shared.gateway);
  await client.request({ type: "auth", token: "anything" });
  await client.beat();
});
