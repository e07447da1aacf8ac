/** The limits of an address and of a subject, and how requests beyond them are refused. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "../support/client.ts";
import type { ErrorReply, Frame } from "../support/frames.ts";
import { EventReader } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { call } from "../support/http.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { type Grants, SECRET, tokenFor } from "../support/token.ts";

const shared = Gateway.shared({
  WEIR_JWT_SECRET: SECRET,
  WEIR_TRUSTED_PROXIES: "1",
  WEIR_SOCKETS_PER_ADDRESS: "2",
  WEIR_SOCKETS_PER_SUBJECT: "2",
  WEIR_PUBLISH_RECORDS: "10",
  WEIR_PUBLISH_BYTES: "10000",
});

async function hello(client: Client, sub: string, grants: Grants = { publish: ["*"] }) {
  await client.request({ type: "hello", token: await tokenFor(sub, grants) });
}

async function from(address: string, gateway = shared.gateway) {
  const socket = await RawSocket.connect(gateway);
  const head = await socket.shake(gateway, { "x-forwarded-for": address });
  return { socket, head };
}

Deno.test("an address with too many sockets gets 429 and when to retry, until one is closed", async () => {
  const [first, second, third] = [
    await from("203.0.113.1"),
    await from("1.2.3.4, 203.0.113.1"),
    await from("203.0.113.1"),
  ];
  assertMatch(second.head, /^HTTP\/1\.1 101 /);
  assertMatch(third.head, /^HTTP\/1\.1 429 [^]*retry-after: 5/i);
  const other = await from("203.0.113.2");
  assertMatch(other.head, /^HTTP\/1\.1 101 /);
  first.socket.close();
  await eventually("another may come", async () => {
    const { socket, head } = await from("203.0.113.1");
    socket.close();
    return head.startsWith("HTTP/1.1 101 ");
  });
  for (const { socket } of [second, third, other]) socket.close();
});

Deno.test("handshakes that are refused count as new sockets of their address", async () => {
  // More than the bucket holds and gains meanwhile.
  const heads = await Promise.all(Array.from({ length: 60 }, async () => {
    const socket = await RawSocket.connect(shared.gateway);
    const wrong = { "x-forwarded-for": "203.0.113.9", "sec-websocket-version": "8" };
    const head = await socket.shake(shared.gateway, wrong);
    socket.close();
    return head.split(" ")[1];
  }));
  assertEquals([...new Set(heads)].sort(), ["400", "429"]);
});

Deno.test("a gateway with as many sockets as it takes says 503 and when to retry", async () => {
  await using gateway = await Gateway.start({ WEIR_MAX_SOCKETS: "1" });
  await using _ = await Client.open(gateway);
  const { socket, head } = await from("127.0.0.1", gateway);
  assertMatch(head, /^HTTP\/1\.1 503 [^]*retry-after: 5/i);
  socket.close();
  assertEquals((await call(gateway, "GET", "/readyz")).status, 200);
});

Deno.test("a subject with too many sockets gets rate_limited, then 4004, until one is closed", async () => {
  const sub = crypto.randomUUID();
  await using first = await Client.open(shared.gateway, { hello: false });
  await using second = await Client.open(shared.gateway, { hello: false });
  await using third = await Client.open(shared.gateway, { hello: false });
  await hello(first, sub);
  await hello(second, sub);
  const refused = await third.refused("rate_limited", {
    type: "hello",
    token: await tokenFor(sub),
  });
  assertEquals([refused.retry, refused.effect, refused.retryAfterMs], ["same", "none", 5_000]);
  assertEquals(await third.closeCode(), 4004);
  await using other = await Client.open(shared.gateway, { hello: false });
  await hello(other, `${sub}-other`);
  await first.close();
  await eventually("another may come", async () => {
    const fourth = await Client.open(shared.gateway, { hello: false });
    const [reply] = await fourth.all([{ type: "hello", token: await tokenFor(sub) }]);
    await fourth.close();
    return reply!.type === "ok";
  });
});

Deno.test("a token may allow more sockets than the settings", async () => {
  const sub = crypto.randomUUID();
  const clients: Client[] = [];
  for (let i = 0; i < 4; i++) {
    const client = await Client.open(shared.gateway, { hello: false });
    await hello(client, sub, { sockets: 4 });
    clients.push(client);
  }
  for (const client of clients) await client.close();
});

/** Reads the events of a topic that exists, as `sub` from `address`. */
async function events(sub: string, address: string): Promise<EventReader> {
  const admin = { authorization: `Bearer ${await tokenFor("admin", { admin: true })}` };
  await call(shared.gateway, "PUT", "/v1/topics/watched", { partitions: 1 }, admin);
  return await EventReader.open(`${shared.gateway.origin}/v1/topics/watched/events`, {
    "authorization": `Bearer ${await tokenFor(sub, { subscribe: ["*"] })}`,
    "x-forwarded-for": address,
  });
}

const sameOf: Readonly<Record<string, (i: number) => [sub: string, address: string]>> = {
  "an address": (i) => [`watcher-${i}`, "203.0.113.20"],
  "a subject": (i) => ["watcher", `203.0.113.${30 + i}`],
};

for (const [whose, who] of Object.entries(sameOf)) {
  Deno.test(`event streams of ${whose} count as its sockets until they are closed`, async () => {
    const [first, second] = [await events(...who(0)), await events(...who(1))];
    assertEquals([first.response.status, second.response.status], [200, 200]);
    const third = await events(...who(2));
    const { status, headers } = third.response;
    assertEquals([status, headers.get("retry-after")], [429, "5"]);
    await first.close();
    await eventually("another may come", async () => {
      const another = await events(...who(3));
      await another.close();
      return another.response.status === 200;
    });
    for (const stream of [second, third]) await stream.close();
  });
}

function publish(count: number, value: unknown = 1): Frame {
  return {
    type: "publish",
    topic: "limited",
    records: Array.from({ length: count }, () => ({ value })),
  };
}

function refusal(reply: unknown): ErrorReply {
  const error = reply as ErrorReply;
  assertEquals([error.type, error.code, error.effect], ["error", "rate_limited", "none"]);
  assert((error.retryAfterMs ?? 0) > 0);
  return error;
}

Deno.test("a subject that publishes too many records waits, over all its sockets", async () => {
  const sub = crypto.randomUUID();
  await using one = await Client.open(shared.gateway, { hello: false });
  await using other = await Client.open(shared.gateway, { hello: false });
  await hello(one, sub);
  await hello(other, sub);
  await one.request(publish(50)); // more than the bucket holds: leaves a debt
  const [reply] = await other.all([publish(1)]);
  const { retryAfterMs = 0 } = refusal(reply);
  assert(retryAfterMs > 2_000 && retryAfterMs <= 3_001, `${retryAfterMs}`);
  const [transacted] = await other.all([
    { type: "transact", publish: [{ topic: "limited", records: [{ value: 1 }] }] },
  ]);
  refusal(transacted);
  await using stranger = await Client.open(shared.gateway, { hello: false });
  await hello(stranger, `${sub}-other`);
  await stranger.request(publish(1));
});

Deno.test("a subject that publishes too many bytes waits, too", async () => {
  await using client = await Client.open(shared.gateway, { hello: false });
  await hello(client, crypto.randomUUID());
  await client.request(publish(1, "x".repeat(30_000)));
  const [reply] = await client.all([publish(1)]);
  refusal(reply);
});

Deno.test("a subject that asks for too many producers with names waits, over sockets and HTTP", async () => {
  const sub = crypto.randomUUID();
  await using client = await Client.open(shared.gateway, { hello: false });
  await hello(client, sub);
  const name = (i: number): Frame => ({ type: "initProducer", name: `phone-${i}` });
  const replies = await client.all(Array.from({ length: 60 }, (_, i) => name(i)));
  assertEquals(replies.slice(0, 20).map(({ type }) => type), Array(20).fill("ok"));
  refusal(replies.at(-1));
  const authorization = `Bearer ${await tokenFor(sub, { publish: ["*"] })}`;
  const post = async (body: unknown) =>
    (await call(shared.gateway, "POST", "/v1/producers", body, { authorization })).status;
  await eventually(
    "it is too many over HTTP, too",
    async () => await post({ name: "phone" }) === 429,
  );
  assertEquals(await post({}), 200, "one without a name costs nothing");
});

Deno.test("a token may allow another rate, which holds as soon as it is renewed", async () => {
  const sub = crypto.randomUUID();
  await using client = await Client.open(shared.gateway, { hello: false });
  await hello(client, sub, { publish: ["*"], rate: 1 });
  await client.request(publish(1_000));
  const [reply] = await client.all([publish(1)]);
  assert((refusal(reply).retryAfterMs ?? 0) > 900_000);
  await client.request({
    type: "auth",
    token: await tokenFor(sub, { publish: ["*"], rate: 1_000_000 }),
  });
  await eventually("what was owed is made good", async () => {
    const [reply] = await client.all([publish(1)]);
    return reply!.type === "ok";
  });
});

Deno.test("over HTTP it gets 429 and when to retry", async () => {
  const authorization = `Bearer ${await tokenFor(crypto.randomUUID(), { publish: ["*"] })}`;
  const path = "/v1/topics/limited/records";
  const post = (count: number) =>
    call(shared.gateway, "POST", path, { records: publish(count)["records"] }, { authorization });
  assertEquals((await post(50)).status, 200);
  const { status, headers, text } = await post(1);
  assertEquals([status, JSON.parse(text).code], [429, "rate_limited"]);
  assert(Number(headers.get("retry-after")) >= 3);
});

Deno.test("a transaction is accepted as a whole as long as anything of the rate is left", async () => {
  const sub = crypto.randomUUID();
  await using client = await Client.open(shared.gateway, { hello: false });
  await hello(client, sub);
  const part = { topic: "limited", records: publish(15)["records"] };
  await client.request({ type: "transact", publish: [part, part] });
  refusal((await client.all([{ type: "transact", publish: [part, part] }]))[0]);
});

Deno.test("if no key is configured, nobody is counted", async () => {
  await using gateway = await Gateway.start({
    WEIR_PUBLISH_RECORDS: "1",
    WEIR_SOCKETS_PER_ADDRESS: "1",
    WEIR_SOCKETS_PER_SUBJECT: "1",
    WEIR_TRUSTED_PROXIES: "1",
    WEIR_NEW_SOCKETS: "1",
  });
  const opened = await Promise.all([1, 2, 3, 4].map(() => from("203.0.113.1", gateway)));
  for (const { socket, head } of opened) {
    assertMatch(head, /^HTTP\/1\.1 101 /);
    socket.close();
  }
  await using client = await Client.open(gateway);
  for (let i = 0; i < 3; i++) await client.request(publish(100));
});
