/** Section 7 of the page over sockets: who a session is, what it may do, and until when. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Frame, Joined, ProducerGiven, SentRecord, Subscribed } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { json } from "../support/http.ts";
import { type Grants, SECRET, signed, tokenFor } from "../support/token.ts";

const shared = Gateway.shared({ WEIR_JWT_SECRET: SECRET });
/** How long a session keeps its rights after its token has expired. */
const graceSeconds = 25;
const EVERYTHING: Grants = { publish: ["*"], subscribe: ["*"], groups: ["*"], admin: true };

async function open(sub: string, grants: Grants, endsIn?: number): Promise<Client> {
  const client = await Client.open(shared.gateway, { hello: false });
  const token = await tokenFor(sub, grants, endsIn);
  client.welcome = await client.request({ type: "hello", token });
  return client;
}

async function publish(client: Client, topic: string, ...records: SentRecord[]): Promise<void> {
  await client.request({ type: "publish", topic, records });
}

function newTopic(): string {
  return `t-${crypto.randomUUID()}`;
}

Deno.test("hello says until when the token lasts", async () => {
  const exp = Math.floor(Date.now() / 1_000) + 100;
  await using client = await Client.open(shared.gateway, { hello: false });
  const welcome = await client.request<Frame>({
    type: "hello",
    token: await signed({ sub: "me", exp }),
  });
  assertEquals(welcome["expiresAt"], exp * 1_000);
});

const noTokens: Readonly<Record<string, string | undefined | Promise<string>>> = {
  "no token": undefined,
  "what is no token": "abc",
  "a token of another secret": signed(
    { sub: "me", exp: 2e9 },
    "another secret, just as long as that",
  ),
  "a token that has ended": tokenFor("me", {}, -61),
};

for (const [name, token] of Object.entries(noTokens)) {
  Deno.test(`${name} gets unauthenticated, then 4501`, async () => {
    await using client = await Client.open(shared.gateway, { hello: false });
    const given = await token;
    await client.refused("unauthenticated", {
      type: "hello",
      ...given === undefined ? {} : { token: given },
    });
    assertEquals(await client.closeCode(), 4501);
  });
}

Deno.test("frames behind hello wait until it is authenticated", async () => {
  const topic = newTopic();
  await using client = await Client.open(shared.gateway, { hello: false });
  const replies = await client.all([
    { type: "hello", token: await tokenFor("me", { publish: [topic] }) },
    { type: "publish", topic, records: [{ value: 1 }] },
    { type: "publish", topic: `${topic}-other`, records: [{ value: 1 }] },
    { type: "hello" },
  ]);
  const outcomes = replies.map((reply) => reply.type === "error" ? reply.code : reply.type);
  assertEquals(outcomes, ["ok", "ok", "forbidden", "invalid_frame"]);
});

Deno.test("nothing is allowed that is not granted, and nothing is created without the right", async () => {
  const topic = newTopic();
  await using client = await open("me", {});
  const frames: Frame[] = [
    { type: "publish", topic, records: [{ value: 1 }] },
    { type: "transact", publish: [{ topic, records: [{ value: 1 }] }] },
    { type: "subscribe", topic },
    { type: "subscribe", topic, keys: ["k"] },
    { type: "join", group: "g", topics: [topic] },
    { type: "initProducer" },
  ];
  for (const frame of frames) await client.refused("forbidden", frame);
  const admin = { authorization: `Bearer ${await tokenFor("root", { admin: true })}` };
  const { topics } = await json<{ topics: { topic: string }[] }>(
    shared.gateway,
    "GET",
    "/v1/topics",
    undefined,
    200,
    admin,
  );
  assert(topics.every((one) => one.topic !== topic));
});

Deno.test("a driver publishes under its own key only, also in a transaction", async () => {
  const topic = newTopic();
  await using driver = await open("d1", { publish: [`${topic}/{sub}`] });
  await publish(driver, topic, { key: "d1", value: 1 });
  const foreign = [
    [{ key: "d2", value: 1 }],
    [{ value: 1 }],
    [{ key: "d1", value: 1 }, { key: "d11", value: 2 }],
  ];
  for (const records of foreign) {
    await driver.refused("forbidden", { type: "publish", topic, records });
    await driver.refused("forbidden", { type: "transact", publish: [{ topic, records }] });
  }
});

Deno.test("a refused publish is a gap for the publishes behind it, as any refusal is", async () => {
  const topic = newTopic();
  await using driver = await open("d1", { publish: [`${topic}/{sub}`] });
  const { producer } = await driver.request<ProducerGiven>({ type: "initProducer" });
  const stamped = (sequence: number, key: string) => ({
    type: "publish",
    topic,
    producer: { ...producer, sequence },
    records: [{ key, value: sequence }],
  });
  const replies = await driver.all([stamped(0, "d1"), stamped(1, "other"), stamped(2, "d1")]);
  const codes = replies.map((reply) => reply.type === "error" ? reply.code : reply.type);
  assertEquals(codes, ["ok", "forbidden", "sequence_gap"]);
  await driver.request(stamped(1, "d1"));
});

Deno.test("a client that may read one key sees no other, however it asks", async () => {
  const topic = newTopic();
  await using writer = await open("w", EVERYTHING);
  const keys = ["me", "you", "me2", "m"];
  for (const key of keys) {
    await publish(writer, topic, { key, value: `old ${key}` }, { value: "none" });
  }
  await using reader = await open("me", { subscribe: [`${topic}/{sub}`] });
  for (const more of [{}, { keys: ["you"] }, { keys: ["me", "you"] }, { keys: ["m"] }]) {
    await reader.refused("forbidden", { type: "subscribe", topic, ...more });
  }
  const subscriptions: number[] = [];
  for (const from of ["earliest", { timestamp: 0 }]) {
    const frame = { type: "subscribe", topic, keys: ["me"], from };
    const first = await reader.request<Subscribed>(frame);
    const positions = first.positions.map(({ partition }) => ({ partition, offset: 0 }));
    const resumed = { ...frame, from: { positions, incarnation: first.incarnation } };
    const second = await reader.request<Subscribed>(resumed);
    subscriptions.push(first.subscription, second.subscription);
  }
  for (const key of keys) await publish(writer, topic, { key, value: `new ${key}` });
  await publish(writer, topic, { key: "me", value: "last" });
  for (const subscription of subscriptions) {
    const seen = (await reader.records(subscription, 3)).map(({ value }) => value);
    assertEquals(seen, ["old me", "new me", "last"]);
  }
});

Deno.test("auth renews, except for another subject or an invalid token", async () => {
  await using client = await open("me", {});
  const ends = Math.floor(Date.now() / 1_000) + 300;
  const renewed = await client.request<Frame>({
    type: "auth",
    token: await signed({ sub: "me", exp: ends, weir: { publish: ["allowed-*"] } }),
  });
  assertEquals(renewed["expiresAt"], ends * 1_000);
  const topic = `allowed-${crypto.randomUUID()}`;
  await publish(client, topic, { value: 1 });
  await client.refused("forbidden", { type: "auth", token: await tokenFor("you", EVERYTHING) });
  await client.refused("unauthenticated", { type: "auth", token: "abc" });
  await publish(client, topic, { value: 2 });
  await client.refused("forbidden", { type: "subscribe", topic });
});

Deno.test("a token that allows less ends what it no longer allows", async () => {
  const [kept, gone, group] = [newTopic(), newTopic(), `g-${crypto.randomUUID()}`];
  await using writer = await open("w", EVERYTHING);
  for (const topic of [kept, gone]) await publish(writer, topic, { value: 0 });
  await using reader = await open("me", { subscribe: ["*"], groups: ["*"] });
  const of = (topic: string) => reader.request<Subscribed>({ type: "subscribe", topic });
  const [stays, ends] = [await of(kept), await of(gone)];
  const member = await reader.request<Joined>({ type: "join", group, topics: [kept] });
  await reader.request({
    type: "auth",
    token: await tokenFor("me", { subscribe: [kept] }),
  });
  for (const { subscription } of [ends, member]) {
    const end = await reader.until("end", (push) => push.subscription === subscription);
    assertEquals([end.code, end.retry], ["forbidden", "never"]);
  }
  // The member's partitions go at once to one that is allowed to have them.
  await using other = await open("w2", EVERYTHING);
  await other.request<Joined>({ type: "join", group, topics: [kept] });
  await other.when(
    () => other.pushes("assign").some((push) => push.partitions.length > 0),
    "the partitions of the member that had to go",
  );
  const before = reader.pushes("records").length;
  for (const topic of [kept, gone]) await publish(writer, topic, { value: 1 });
  await reader.records(stays.subscription, 1);
  const since = reader.pushes("records").slice(before);
  assertEquals(since.map(({ subscription }) => subscription), [stays.subscription]);
  await reader.refused("unknown_subscription", {
    type: "unsubscribe",
    subscription: ends.subscription,
  });
});

Deno.test("once the token and its grace period have expired, it closes with 4003", async () => {
  const topic = newTopic();
  await using writer = await open("w", EVERYTHING);
  await publish(writer, topic, { value: 0 });
  await using reader = await open("me", { subscribe: ["*"] }, 2 - graceSeconds);
  const follow = { type: "subscribe", topic, from: "earliest" };
  await reader.records((await reader.request<Subscribed>(follow)).subscription, 1);
  assertEquals(await reader.closeCode(), 4003);
});

Deno.test("a token that is sent too late for a session gets its ok, then 4003", async () => {
  await using client = await open("me", {}, -graceSeconds - 5);
  assertEquals(await client.closeCode(), 4003);
});

Deno.test("a session that renews in time goes on", async () => {
  await using client = await open("me", {}, 3 - graceSeconds);
  await client.request({ type: "auth", token: await tokenFor("me", { publish: ["*"] }) });
  await using other = await open("me", {}, 3 - graceSeconds);
  assertEquals(await other.closeCode(), 4003, "the first token's time is over then");
  await publish(client, newTopic(), { value: 1 });
});

Deno.test("nobody fences the producer or the instance of another subject", async () => {
  const [topic, group] = [newTopic(), `g-${crypto.randomUUID()}`];
  await using one = await open("one", EVERYTHING);
  await using other = await open("other", EVERYTHING);
  await publish(one, topic, { value: 1 });
  const init = { type: "initProducer", name: "uploader" };
  const given = await Promise.all([one, other, one].map((who) => who.request<ProducerGiven>(init)));
  const [first, foreign, again] = given.map(({ producer }) => producer);
  assert(first!.id !== foreign!.id);
  assertEquals([again!.id, again!.epoch > first!.epoch], [first!.id, true]);
  const join = { type: "join", group, topics: [topic], instance: "worker" };
  const mine = await one.request<Joined>(join);
  const theirs = await other.request<Joined>(join);
  assert(mine.member !== theirs.member);
  const admin = { authorization: `Bearer ${await tokenFor("root", { admin: true })}` };
  const { members } = await json<{ members: { instance: string; subject: string }[] }>(
    shared.gateway,
    "GET",
    `/v1/groups/${group}`,
    undefined,
    200,
    admin,
  );
  assertEquals(members.map(({ instance, subject }) => [instance, subject]).sort(), [
    ["worker", "one"],
    ["worker", "other"],
  ]);
  assertEquals(one.pushes("end"), []);
});
