/**
 * The client's token: sent on each connection, renewed in time, and what happens when it expires.
 */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { type TokenSource, untilRenewal } from "../../src/client/token.ts";
import { assigned, type Frame, outcomeOf, ScriptedGateway } from "./scripted_gateway.ts";

const HOUR_MS = 3_600_000;

/** A token function: returns `token-1`, `token-2`, and so on, or what a test sets. */
class Tokens {
  asked = 0;
  next: (() => string | Promise<string>) | undefined;

  readonly give = () => {
    this.asked++;
    return this.next ? this.next() : `token-${this.asked}`;
  };
}

/** A gateway with a connected client whose token expires an hour later. */
async function greeted(token: TokenSource): Promise<ScriptedGateway> {
  const gateway = ScriptedGateway.silent({ token });
  await gateway.turn();
  await gateway.greet({ expiresAt: gateway.clock + HOUR_MS });
  return gateway;
}

/** Lets time pass, and answers the client's heartbeats meanwhile. */
async function pass(gateway: ScriptedGateway, ms: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let passed = 0; passed < ms; passed += 1_000) {
    await gateway.advance(Math.min(1_000, ms - passed));
    for (const frame of gateway.take()) {
      if (frame.type === "heartbeat") await gateway.say("heartbeat", { heads: {} });
      else frames.push(frame);
    }
  }
  return frames;
}

Deno.test("a string token is sent in each hello, and never renewed", async () => {
  const gateway = ScriptedGateway.silent({ token: "fixed" });
  const first = await gateway.greet({ expiresAt: gateway.clock + HOUR_MS });
  assertEquals(await pass(gateway, 2 * HOUR_MS), []);
  gateway.closeSocket();
  assertEquals(gateway.client.state.error?.code, "connection_lost");
  await gateway.advance(3_000);
  assertEquals([first["token"], (await gateway.hello())["token"]], ["fixed", "fixed"]);
});

Deno.test("a token function is called for each connection, before the socket is opened", async () => {
  const tokens = new Tokens();
  let answer = (_token: string) => {};
  tokens.next = () => new Promise((resolve) => answer = resolve);
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  await gateway.advance(5_000);
  assertEquals([tokens.asked, gateway.opened], [1, 0]);
  answer("late");
  await gateway.turn();
  assertEquals((await gateway.greet())["token"], "late");
  tokens.next = undefined;
  gateway.closeSocket();
  await gateway.advance(3_000);
  assertEquals((await gateway.greet())["token"], "token-2");
});

Deno.test("the token is renewed on the open socket after four fifths of its time, by the gateway's clock", async () => {
  const tokens = new Tokens();
  const gateway = await greeted(tokens.give);
  assertEquals(await pass(gateway, 0.79 * HOUR_MS), []);
  const [auth] = await pass(gateway, 0.02 * HOUR_MS);
  assertEquals([auth?.type, auth?.["token"], tokens.asked], ["auth", "token-2", 2]);
  await gateway.ok(auth!, { expiresAt: gateway.clock + 100_000 });
  assertEquals(await pass(gateway, 68_000), []);
  const again = await pass(gateway, 4_000);
  assertEquals(again.map(({ token }) => token), ["token-3"]);
  assertEquals([gateway.opened, gateway.client.state.status], [1, "open"]);
});

Deno.test("a token without an expiry is not renewed", async () => {
  const tokens = new Tokens();
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  await gateway.turn();
  await gateway.greet();
  assertEquals([await pass(gateway, 24 * HOUR_MS), tokens.asked], [[], 1]);
});

Deno.test("renewals leave 30 s to spare where there is room, and are never a tight loop", () => {
  const times = [10, 60, 100, 300, 3_600].map((s) => untilRenewal(s * 1_000, 0.5) / 1_000);
  assertEquals(times, [5, 30, 70, 240, 2_880]);
  const anyMs = fc.integer({ min: -HOUR_MS, max: 400 * 24 * HOUR_MS });
  fc.assert(fc.property(anyMs, fc.double({ min: 0, max: 0.999, noNaN: true }), (leftMs, random) => {
    const ms = untilRenewal(leftMs, random);
    assert(ms >= 5_000 && ms <= 24 * HOUR_MS, `${ms}`);
    if (leftMs >= 10_000) assertLessOrEqual(ms, leftMs * 0.85);
    if (leftMs >= 60_000) assertLessOrEqual(ms, leftMs - 30_000);
  }));
});

Deno.test("a function that returns the same token again and again is called every 5 s at most", async () => {
  const tokens = new Tokens();
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  await gateway.turn();
  const expiresAt = gateway.clock + 1_000;
  await gateway.greet({ expiresAt });
  for (let i = 0; i < 4; i++) {
    const frames = await pass(gateway, 5_000);
    assertEquals(frames.map(({ type }) => type), ["auth"]);
    await gateway.ok(frames[0]!, { expiresAt });
  }
});

Deno.test("failed renewals are retried with backoff, and the session continues meanwhile", async () => {
  const tokens = new Tokens();
  const gateway = await greeted(tokens.give);
  const failures: (() => string | Promise<string>)[] = [
    () => Promise.reject(new Error("logged out")),
    () => {
      throw new Error("logged out");
    },
    () => undefined as unknown as string,
    () => new Promise<string>(() => {}),
  ];
  tokens.next = () => failures[tokens.asked % failures.length]!();
  assertEquals(await pass(gateway, 0.79 * HOUR_MS), []);
  assertEquals(await pass(gateway, 0.1 * HOUR_MS), []);
  assertGreater(tokens.asked, 8);
  assertLessOrEqual(tokens.asked, 25);
  assertEquals(gateway.client.lastError?.code, "unauthenticated");

  tokens.next = undefined;
  const [auth] = await pass(gateway, 60_000);
  await gateway.refuse(auth!, "unauthenticated");
  assertEquals(gateway.client.lastError?.message, "It is unauthenticated");
  const [next, ...more] = await pass(gateway, 60_000);
  assertEquals([next?.type, more, gateway.client.state.status], ["auth", [], "open"]);

  // After a success, the backoff starts over.
  await gateway.ok(next!, { expiresAt: gateway.clock + HOUR_MS });
  assertEquals(await pass(gateway, 0.79 * HOUR_MS), []);
  const [last] = await pass(gateway, 0.02 * HOUR_MS);
  await gateway.refuse(last!, "unavailable", "same");
  assertEquals((await pass(gateway, 1_000)).map(({ type }) => type), ["auth"]);
});

Deno.test("a token that arrives after its connection was lost is sent on no other", async () => {
  const tokens = new Tokens();
  const gateway = await greeted(tokens.give);
  let answer = (_token: string) => {};
  tokens.next = () => new Promise((resolve) => answer = resolve);
  await pass(gateway, 0.79 * HOUR_MS);
  while (tokens.asked < 2) await pass(gateway, 1_000);
  tokens.next = undefined;
  gateway.closeSocket();
  await gateway.advance(3_000);
  await gateway.greet({ expiresAt: gateway.clock + HOUR_MS });
  answer("of the old connection");
  await gateway.turn();
  assertEquals(gateway.take(), []);
});

Deno.test("after 4003 the client reconnects with another token", async () => {
  const tokens = new Tokens();
  const gateway = await greeted(tokens.give);
  const subscription = gateway.client.subscribe("t");
  await gateway.turn();
  const stands = { subscription: 1, positions: [], incarnation: "i", recovered: true };
  await gateway.ok(gateway.expect("subscribe"), stands);
  gateway.closeSocket(4003, "token expired");
  assertEquals(gateway.client.state.status, "waiting");
  await gateway.advance(3_000);
  assertEquals((await gateway.greet())["token"], "token-2");
  assertEquals([gateway.expect("subscribe")["topic"], gateway.client.state.status], ["t", "open"]);
  await subscription.close();
});

Deno.test("an expired string is reported, and ends the client once it is refused", async () => {
  const gateway = await greeted("fixed");
  gateway.closeSocket(4003, "token expired");
  const { status, error } = gateway.client.state;
  assertEquals([status, error?.code, error?.detail.closeCode], [
    "waiting",
    "unauthenticated",
    4003,
  ]);
  const outcome = outcomeOf(gateway.client.publish("t", { value: 1 }));
  await gateway.advance(3_000);
  await gateway.refuse(await gateway.hello(), "unauthenticated");
  gateway.closeSocket(4501, "unauthenticated");
  await gateway.advance(60_000);
  assertEquals(outcome.now, "unauthenticated none");
  assertEquals(gateway.client.state.error?.message, "It is unauthenticated");
  assertEquals([gateway.client.state.status, gateway.opened], ["closed", 2]);
});

Deno.test("a function whose token is unauthenticated is called again; one that is forbidden is not", async () => {
  const gateway = ScriptedGateway.silent({ token: new Tokens().give });
  await gateway.turn();
  await gateway.refuse(await gateway.hello(), "unauthenticated");
  gateway.closeSocket(4501, "unauthenticated");
  const { status, error } = gateway.client.state;
  assertEquals([status, error?.code], ["waiting", "unauthenticated"]);
  await gateway.advance(3_000);
  const hello = await gateway.hello();
  assertEquals(hello["token"], "token-2");
  await gateway.refuse(hello, "forbidden");
  assertEquals(gateway.client.state.status, "closed");
});

Deno.test("a gateway that has no keys yet is retried", async () => {
  const gateway = ScriptedGateway.silent({ token: "fixed" });
  await gateway.refuse(await gateway.hello(), "unavailable", "same");
  assertEquals(gateway.client.state.status, "waiting");
  await gateway.advance(3_000);
  assertEquals((await gateway.greet())["token"], "fixed");
});

Deno.test("a function that fails is retried like a gateway that cannot be reached", async () => {
  const tokens = new Tokens();
  tokens.next = () => Promise.reject(new Error("no network"));
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  await gateway.turn();
  const { status, error } = gateway.client.state;
  assertEquals([status, error?.message], ["waiting", "No token: Error: no network"]);
  await gateway.advance(60_000);
  assertGreater(tokens.asked, 4);
  assertLessOrEqual(tokens.asked, 12);
  assertEquals(gateway.opened, 0);
  tokens.next = undefined;
  while (gateway.opened === 0) await gateway.advance(1_000);
  assertEquals((await gateway.greet())["token"], `token-${tokens.asked}`);
});

Deno.test("a function that takes too long is called again, and its first token is discarded", async () => {
  const tokens = new Tokens();
  let first = (_token: string) => {};
  tokens.next = () => new Promise((resolve) => first = resolve);
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  await gateway.advance(8_000);
  const { status, error } = gateway.client.state;
  assertEquals([status, error?.code], ["waiting", "unauthenticated"]);
  tokens.next = undefined;
  first("too late");
  await gateway.turn();
  assertEquals(gateway.opened, 0);
  await gateway.advance(3_000);
  assertEquals((await gateway.greet())["token"], "token-2");
});

Deno.test("a client that is closed during a call of its token function opens no socket", async () => {
  const tokens = new Tokens();
  let answer = (_token: string) => {};
  tokens.next = () => new Promise((resolve) => answer = resolve);
  const gateway = ScriptedGateway.silent({ token: tokens.give });
  const outcome = outcomeOf(gateway.client.publish("t", { value: 1 }));
  await gateway.turn();
  await gateway.client.close();
  answer("for nobody");
  await gateway.turn();
  await gateway.advance(60_000);
  assertEquals([gateway.opened, tokens.asked, outcome.now], [0, 1, "closed none"]);
});

Deno.test("what a new token no longer allows ends with forbidden, and nothing else does", async () => {
  const gateway = await greeted(new Tokens().give);
  const subscription = gateway.client.subscribe("t");
  const reading = outcomeOf(subscription[Symbol.asyncIterator]().next());
  await gateway.turn();
  const stands = { subscription: 1, positions: [], incarnation: "i", recovered: true };
  await gateway.ok(gateway.expect("subscribe"), stands);
  const consumer = gateway.client.consume("t", { group: "g" });
  const consuming = outcomeOf(consumer[Symbol.asyncIterator]().next());
  await gateway.turn();
  await gateway.ok(gateway.expect("join"), { subscription: 2, member: "m", epoch: 1 });
  await gateway.say("assign", { subscription: 2, epoch: 1, partitions: [assigned(0)] });
  const end = { code: "forbidden", message: "The grant is gone", retry: "never" };
  await gateway.say("end", { subscription: 1, ...end });
  assertEquals([reading.now, consuming.now], ["forbidden none", "pending"]);
  await gateway.say("end", { subscription: 2, ...end });
  assertEquals(consuming.now, "forbidden none");
  await pass(gateway, 60_000);
  assertEquals([gateway.client.state.status, gateway.opened], ["open", 1]);
});
