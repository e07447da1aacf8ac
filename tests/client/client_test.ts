/** The client against a gateway that follows a script: what random worlds do not come upon soon. */

import { assertEquals } from "@std/assert";
import type { Consumer, Resumed, SubscribeOptions, Subscription } from "../../src/client/mod.ts";
import { assigned, type Frame, limits, outcomeOf, ScriptedGateway } from "./scripted_gateway.ts";

async function producing(gateway: ScriptedGateway) {
  const producer = gateway.client.producer();
  const outcomes = (["a", "b"] as const).map((topic) =>
    outcomeOf(producer.publish(topic, { value: 1 }))
  );
  await gateway.turn();
  const began = { producer: { id: "p", epoch: 1 }, keptMs: 86_400_000 };
  await gateway.ok(gateway.expect("initProducer"), began);
  await gateway.advance(10);
  return { producer, outcomes };
}

async function subscribed(
  gateway: ScriptedGateway,
  options: SubscribeOptions = {},
): Promise<Subscription<number>> {
  const subscription = gateway.client.subscribe<number>("t", { from: "earliest", ...options });
  await gateway.turn();
  await stands(gateway, gateway.expect("subscribe"), 0);
  return subscription;
}

async function stands(
  gateway: ScriptedGateway,
  request: Frame,
  offset: number,
  reset?: string,
): Promise<void> {
  const positions = [{ topic: "t", partition: 0, offset, ...reset && { reset } }];
  const recovered = reset === undefined;
  await gateway.ok(request, { subscription: 1, positions, incarnation: "i", recovered });
}

/** The subscription comes to stand in a topic that was made again, in these partitions. */
async function standsAnew(
  gateway: ScriptedGateway,
  request: Frame,
  partitions: readonly number[],
  subscription: number,
  reset?: string,
): Promise<void> {
  const positions = partitions.map((partition) => ({
    topic: "t",
    partition,
    offset: 0,
    ...reset && { reset },
  }));
  const recovered = reset === undefined;
  await gateway.ok(request, { subscription, positions, incarnation: "j", recovered });
}

async function joined(gateway: ScriptedGateway, partitions = [assigned(0)]): Promise<void> {
  await gateway.ok(gateway.expect("join"), { subscription: 1, member: "m", epoch: 1 });
  await gateway.say("assign", { subscription: 1, epoch: 1, partitions });
}

/** Reads until it is stopped, and stops at each record until it is let go. */
function reading(from: Consumer<number> | Subscription<number>) {
  const read = { seen: [] as number[], go: () => {}, holds: true };
  (async () => {
    for await (const { offset } of from) {
      read.seen.push(offset);
      if (read.holds) await new Promise<void>((resolve) => read.go = resolve);
    }
  })();
  return read;
}

Deno.test("a publish of nothing, or to no topic, is refused and spoils no other's frame", async () => {
  const gateway = await ScriptedGateway.open();
  const { producer } = await producing(gateway);
  gateway.take();
  const empty = outcomeOf(producer.publish("t", []));
  const nowhere = outcomeOf(gateway.client.publish(undefined as unknown as string, { value: 1 }));
  producer.publish("t", { value: 2 });
  await gateway.advance(10);
  assertEquals([empty.now, nowhere.now], ["invalid_frame none", "invalid_frame none"]);
  assertEquals(gateway.take().map(({ records }) => records), [[{ value: 2 }]]);
});

Deno.test("what comes behind a publish that its signal took back is sent", async () => {
  const gateway = await ScriptedGateway.open();
  const { producer } = await producing(gateway);
  gateway.take();
  const abort = new AbortController();
  const taken = outcomeOf(producer.publish("t", { value: 2 }, { signal: abort.signal }));
  abort.abort();
  const next = outcomeOf(producer.publish("t", { value: 3 }));
  await gateway.advance(10);
  const publish = gateway.expect("publish");
  await gateway.ok(publish, { offsets: [[0, 0]] });
  assertEquals([publish["records"], taken.now, next.now], [[{ value: 3 }], "20", "done"]);
});

Deno.test("a flush ends with the answer to what went again only for its number's sake", async () => {
  const gateway = await ScriptedGateway.open();
  const { producer, outcomes } = await producing(gateway);
  const stored = gateway.take().find(({ topic }) => topic === "b");
  await gateway.ok(stored as Frame, { offsets: [[0, 0]] });
  await gateway.cut();
  const [first, again] = gateway.take() as [Frame, Frame];
  await gateway.refuse(first, "record_too_large");
  const flushed = outcomeOf(producer.flush());
  await gateway.turn();
  assertEquals([again["topic"], flushed.now], ["b", "pending"]);
  await gateway.ok(again, { offsets: [[0, 0]], duplicate: true });
  assertEquals(outcomes.map(({ now }) => now), ["record_too_large unknown", "done"]);
  assertEquals(flushed.now, "done");
});

Deno.test("what was refused for the moment when the client is closed is refused for good", async () => {
  const gateway = await ScriptedGateway.open();
  const outcome = outcomeOf(gateway.client.publish("t", { value: 1 }));
  await gateway.turn();
  const { id } = gateway.expect("publish");
  const error = { code: "unavailable", message: "", retry: "same", effect: "none" };
  await gateway.say("error", { id, ...error });
  await gateway.client.close();
  await gateway.turn();
  assertEquals(outcome.now, "closed none");
});

Deno.test("a publish goes out as soon as one of too many open requests is answered", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  for (let i = 0; i < limits.inFlight; i++) subscription.seek([{ partition: 0, offset: 0 }]);
  gateway.client.publish("t", { value: 1 }).catch(() => {});
  gateway.client.publish("t", { value: 2 }).catch(() => {});
  await gateway.turn();
  const [first, second] = gateway.take().filter(({ type }) => type === "seek") as [Frame, Frame];
  await gateway.ok(first);
  assertEquals(gateway.take().map(({ records }) => records), [[{ value: 1 }]]);
  await gateway.ok(second);
  assertEquals(gateway.take().map(({ records }) => records), [[{ value: 2 }]]);
});

Deno.test("of a producer that is fenced, what has no answer may be stored", async () => {
  const gateway = await ScriptedGateway.open();
  const { outcomes } = await producing(gateway);
  const second = gateway.take().find(({ topic }) => topic === "b");
  const error = { code: "producer_fenced", message: "", retry: "never", effect: "none" };
  await gateway.say("error", { id: second?.id, ...error });
  assertEquals(outcomes.map(({ now }) => now), [
    "producer_fenced unknown",
    "producer_fenced none",
  ]);
});

Deno.test("a seek without a connection is made when there is one again", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  await gateway.records(0, 99, 100);
  gateway.closeSocket();
  const outcome = outcomeOf(subscription.seek([{ partition: 0, offset: 7 }]));
  await gateway.advance(3_000);
  await gateway.greet();
  const request = gateway.expect("subscribe");
  assertEquals(request["from"], {
    positions: [{ partition: 0, offset: 100 }],
    incarnation: "i",
  });
  await stands(gateway, request, 100);
  assertEquals(outcome.now, "pending");
  const seek = gateway.expect("seek");
  assertEquals(seek["partitions"], [{ topic: "t", partition: 0, offset: 7 }]);
  await gateway.ok(seek);
  assertEquals(outcome.now, "done");
});

Deno.test("a seek in onResume is made once", async () => {
  const gateway = await ScriptedGateway.open();
  const places = [{ partition: 0, offset: 0 }];
  const subscription = await subscribed(gateway, { onResume: () => subscription.seek(places) });
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 0);
  assertEquals(gateway.take().map(({ type }) => type), ["seek"]);
});

Deno.test("after a seek in the loop's body what is left of the batch does not come", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  const read = reading(subscription);
  await gateway.records(0, 0, 4);
  read.go();
  await gateway.turn();
  subscription.seek([{ partition: 0, offset: 0 }]);
  await gateway.turn();
  await gateway.ok(gateway.expect("seek"));
  read.go();
  await gateway.turn();
  assertEquals([read.seen, subscription.position?.positions], [[0, 1], [
    { partition: 0, offset: 0 },
  ]]);
});

Deno.test("what came of a log that goes on behind its end is void", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  const read = reading(subscription);
  await gateway.records(0, 0, 2);
  await gateway.records(0, 2, 5);
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 1, "beyond_end");
  read.go();
  await gateway.turn();
  assertEquals([read.seen, subscription.position?.positions], [[0], [
    { partition: 0, offset: 1 },
  ]]);
  read.holds = false;
  await gateway.records(0, 1, 3);
  assertEquals([read.seen, subscription.position?.positions], [[0, 1, 2], [
    { partition: 0, offset: 3 },
  ]]);
});

Deno.test("a topic that was made again is followed in the partitions that it has now", async () => {
  const gateway = await ScriptedGateway.open();
  const resumed: Resumed[] = [];
  const keys = ["cab-7"];
  const subscription = await subscribed(gateway, { keys, onResume: (how) => resumed.push(how) });
  const read = reading(subscription);
  await gateway.records(0, 0, 2);
  await gateway.records(0, 2, 5);
  await gateway.cut();
  await standsAnew(gateway, gateway.expect("subscribe"), [0], 1, "incarnation");
  const [left, anew] = gateway.take() as [Frame, Frame];
  assertEquals([left.type, left["subscription"]], ["unsubscribe", 1]);
  assertEquals([anew.type, anew["from"], anew["keys"]], ["subscribe", "earliest", keys]);
  assertEquals([subscription.position?.incarnation, resumed], ["i", []]);

  await standsAnew(gateway, anew, [1, 2], 2);
  read.go();
  await gateway.turn();
  const positions = [1, 2].map((partition) => ({ partition, offset: 0 }));
  assertEquals(resumed, [{
    recovered: false,
    positions: positions.map((place) => ({ ...place, reset: "incarnation" as const })),
  }]);
  assertEquals([read.seen, subscription.position], [[0], { positions, incarnation: "j" }]);

  await gateway.cut();
  const { from } = gateway.expect("subscribe");
  assertEquals(from, { positions, incarnation: "j" });
});

Deno.test("what came of a topic that has fewer partitions now is void", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  const read = reading(subscription);
  await gateway.records(0, 0, 2);
  await gateway.records(1, 5, 7);
  await gateway.cut();
  await gateway.refuse(gateway.expect("subscribe"), "unknown_partition");
  const request = gateway.expect("subscribe");
  await stands(gateway, request, 0);
  read.holds = false;
  read.go();
  await gateway.turn();
  assertEquals([request["from"], read.seen], ["earliest", [0]]);
  assertEquals(subscription.position?.positions, [{ partition: 0, offset: 0 }]);
});

Deno.test("what was trimmed takes the position past nothing that waits", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 3, "trimmed");
  assertEquals(subscription.position?.positions, [{ partition: 0, offset: 3 }]);
  const read = reading(subscription);
  await gateway.records(0, 3, 5);
  await gateway.records(0, 5, 8);
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 9, "trimmed");
  assertEquals(subscription.position?.positions, [{ partition: 0, offset: 3 }]);
  read.holds = false;
  read.go();
  await gateway.turn();
  assertEquals([read.seen, subscription.position?.positions], [[3, 4, 5, 6, 7], [
    { partition: 0, offset: 9 },
  ]]);
});

Deno.test("what a gap names is dealt with: position and lag are behind it", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway);
  reading(subscription);
  const gap = { topic: "t", partition: 0, from: 0, to: 500, reason: "slow" };
  await gateway.say("gap", { subscription: 1, ...gap });
  await gateway.say("heartbeat", {
    heads: { 1: [{ topic: "t", partition: 0, next: 500, end: 500 }] },
  });
  assertEquals(subscription.lag, 0);
  assertEquals(subscription.position?.positions, [{ partition: 0, offset: 500 }]);
});

Deno.test("what no key wants is dealt with, though a record was in hand when it was named", async () => {
  const gateway = await ScriptedGateway.open();
  const subscription = await subscribed(gateway, { keys: ["cab-7"] });
  const place = () => [subscription.position?.positions[0]?.offset, subscription.lag];
  const heartbeat = (next: number) =>
    gateway.say("heartbeat", {
      heads: { 1: [{ topic: "t", partition: 0, next, end: next }] },
    });
  const read = reading(subscription);
  await gateway.records(0, 0, 1);
  await heartbeat(100);
  assertEquals(place(), [0, 100]);
  read.go();
  await gateway.turn();
  assertEquals(place(), [100, 0]);
  await heartbeat(5_000);
  assertEquals(place(), [5_000, 0]);
  await gateway.records(0, 5_000, 5_001);
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 5_001);
  await heartbeat(6_000);
  assertEquals(place(), [5_000, 1_000]);
  read.go();
  await gateway.turn();
  assertEquals(place(), [6_000, 0]);
});

Deno.test("a subscription that never stood has no position", () => {
  const gateway = ScriptedGateway.silent();
  assertEquals(gateway.client.subscribe("t").position, undefined);
});

Deno.test("what a listener begins when the connection opens is asked for once", async () => {
  const gateway = ScriptedGateway.silent();
  gateway.client.onState(({ status }) => {
    if (status === "open") gateway.client.subscribe("t");
  });
  await gateway.greet();
  assertEquals(gateway.take().map(({ type }) => type), ["subscribe"]);
});

Deno.test("what was refused for the moment is asked for once by the next connection", async () => {
  const gateway = await ScriptedGateway.open();
  gateway.client.subscribe("t");
  gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  for (const request of gateway.take()) await gateway.refuse(request, "unavailable", "same");
  await gateway.cut();
  assertEquals(gateway.take().map(({ type }) => type), ["subscribe", "join"]);
});

Deno.test("a client that is closed plans nothing any more", async () => {
  const gateway = await ScriptedGateway.open();
  const { client } = gateway;
  const consumer = client.consume("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  client.publish("t", { value: 1 }).catch(() => {});
  client.subscribe("t");
  client.consume("t", { group: "h" });
  consumer.commit([{ topic: "t", partition: 0, offset: 1 }]).catch(() => {});
  await gateway.turn();
  const before = gateway.timers;
  for (const request of gateway.take()) await gateway.refuse(request, "unavailable", "same");
  assertEquals(gateway.timers, before + 4);
  const closed = outcomeOf(client.close());
  await gateway.turn();
  await gateway.ok(gateway.expect("leave"));
  assertEquals([closed.now, gateway.timers], ["done", 0]);
});

Deno.test("a listener that closes the client, or throws, leaves it as it should be", async () => {
  const closing = await ScriptedGateway.open();
  closing.client.onState(({ status }) => status === "connecting" && closing.client.close());
  closing.closeSocket();
  await closing.advance(60_000);
  assertEquals(closing.client.state.status, "closed");

  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  const throwing = await ScriptedGateway.open();
  throwing.client.onState(({ status }) => {
    if (status === "waiting") throw new Error("the application's own");
  });
  throwing.closeSocket();
  await throwing.advance(3_000);
  assertEquals(throwing.opened, 2);
  await new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.removeEventListener("unhandledrejection", note);
  assertEquals(unhandled.map(String), ["Error: the application's own"]);
});

Deno.test("asking again and again does not put off the answer's deadline", async () => {
  const gateway = await ScriptedGateway.open();
  for (let s = 0; s < 5; s++) {
    gateway.client.probe();
    await gateway.advance(1_000);
  }
  assertEquals(gateway.client.state.status === "open", false);
});

Deno.test("a transaction that waits for its consumer ends with its signal", async () => {
  const gateway = ScriptedGateway.silent();
  const consumer = gateway.client.consume("t", { group: "g" });
  const abort = new AbortController();
  const offsets = [{ topic: "t", partition: 0, offset: 1 }];
  const part = { topic: "o", records: { value: 1 } };
  const outcome = outcomeOf(
    gateway.client.transact([part], { commit: { consumer, offsets }, signal: abort.signal }),
  );
  await gateway.turn();
  abort.abort();
  await gateway.turn();
  assertEquals(outcome.now, "20");
});

Deno.test("a consumer that is over before it has joined leaves when it has", async () => {
  const gateway = await ScriptedGateway.open();
  const closing = gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  const join = gateway.expect("join");
  const left = outcomeOf(closing.close());
  await gateway.ok(join, { subscription: 7, member: "m", epoch: 1 });
  const leaving = gateway.expect("leave");
  assertEquals([leaving["subscription"], left.now], [7, "pending"]);
  await gateway.ok(leaving);
  assertEquals(left.now, "done");

  // One that the gateway ends while it leaves does not join again.
  const ended = gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  await joined(gateway);
  const closed = outcomeOf(ended.close());
  await gateway.turn();
  const leave = gateway.expect("leave");
  const end = { code: "not_owner", message: "It was too slow", retry: "rejoin" };
  await gateway.say("end", { subscription: 1, ...end });
  await gateway.refuse(leave, "unknown_subscription");
  assertEquals([gateway.take(), closed.now], [[], "done"]);
});

Deno.test("a client that is closed while its consumer joins waits until it has left", async () => {
  const joining = async () => {
    const gateway = await ScriptedGateway.open();
    gateway.client.consume("t", { group: "g" });
    await gateway.turn();
    const join = gateway.expect("join");
    const closed = outcomeOf(gateway.client.close());
    await gateway.turn();
    return { gateway, join, closed };
  };
  const { gateway, join, closed } = await joining();
  await gateway.ok(join, { subscription: 7, member: "m", epoch: 1 });
  assertEquals(closed.now, "pending");
  await gateway.ok(gateway.expect("leave"));
  assertEquals([closed.now, gateway.client.state.status], ["done", "closed"]);

  const refused = await joining();
  await refused.gateway.refuse(refused.join, "unavailable", "same");
  assertEquals([refused.closed.now, refused.gateway.take()], ["done", []]);

  const lost = await joining();
  lost.gateway.closeSocket();
  await lost.gateway.turn();
  assertEquals([lost.closed.now, lost.gateway.timers], ["done", 0]);
});

Deno.test("a commit that comes before the loop has its records is of none of them", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const next = outcomeOf(consumer[Symbol.asyncIterator]().next());
  const said = gateway.records(0, 0, 3);
  for (let turn = 0; turn < 60 && next.now === "pending"; turn++) {
    consumer.commit();
    await Promise.resolve();
  }
  await said;
  assertEquals(next.now, "done");
  const offsets = gateway.take().flatMap(({ offsets = [] }) => offsets as { offset: number }[]);
  // The first may count already: it is on its way to the loop for certain.
  assertEquals(offsets.filter(({ offset }) => offset > 1), []);
});

Deno.test("a commit behind a batch that the loop was given is of all of it", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const given = outcomeOf(consumer.batches().next());
  await gateway.records(0, 0, 3);
  consumer.commit();
  await gateway.turn();
  const { offsets } = gateway.expect("commit");
  assertEquals([given.now, offsets], ["done", [{ topic: "t", partition: 0, offset: 3 }]]);
});

Deno.test("a commit that has no answer when its consumer is closed may have happened", async () => {
  for (const isLost of [false, true]) {
    const gateway = await ScriptedGateway.open();
    const consumer = gateway.client.consume("t", { group: "g", autoCommitMs: false });
    await gateway.turn();
    await joined(gateway, [assigned(0), assigned(1)]);
    const commit = (partition: number) =>
      outcomeOf(consumer.commit([{ topic: "t", partition, offset: 1 }]));
    const outcomes = [commit(0)];
    await gateway.turn();
    if (isLost) {
      gateway.closeSocket();
      outcomes.push(commit(1)); // which is never sent
    }
    consumer.close();
    await gateway.turn();
    if (!isLost) await gateway.ok(gateway.expect("leave"));
    const expected = isLost ? ["closed unknown", "closed none"] : ["closed unknown"];
    assertEquals(outcomes.map(({ now }) => now), expected);
  }
});

Deno.test("partitions that came and went while the loop was busy are told of as gone", async () => {
  const gateway = await ScriptedGateway.open();
  const told: string[] = [];
  const consumer = gateway.client.consume<number>("t", {
    group: "g",
    onAssign: (given) => void told.push(`assign ${given.map(({ partition }) => partition)}`),
    onRevoke: (gone, { lost }) =>
      void told.push(`revoke ${gone.map(({ partition }) => partition)}${lost ? " lost" : ""}`),
  });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 1);
  await gateway.say("assign", { subscription: 1, epoch: 2, partitions: [assigned(5)] });
  const five = [{ topic: "t", partition: 5 }];
  await gateway.say("revoke", { subscription: 1, epoch: 3, partitions: five, deadlineMs: 1_000 });
  read.go();
  await gateway.turn();
  assertEquals(told, ["assign 0", "revoke 5"]);

  // In hand while it is revoked, lost, and given again: there is nothing to give up any more.
  told.length = 0;
  gateway.take();
  await gateway.records(0, 1, 2);
  const zero = [{ topic: "t", partition: 0 }];
  await gateway.say("revoke", { subscription: 1, epoch: 4, partitions: zero, deadlineMs: 1_000 });
  const lost = { subscription: 1, epoch: 4, partitions: zero, deadlineMs: 0, lost: true };
  await gateway.say("revoke", lost);
  await gateway.say("assign", { subscription: 1, epoch: 5, partitions: [assigned(0, 1)] });
  read.go();
  await gateway.turn();
  assertEquals(told, ["revoke 0 lost", "assign 0"]);
  assertEquals(gateway.take().filter(({ type }) => type === "release"), []);
});

Deno.test("a consumer that went back behind its commit goes on there after a reconnection", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  read.holds = false;
  await gateway.records(0, 0, 10);
  consumer.commit([{ topic: "t", partition: 0, offset: 10 }]);
  await gateway.turn();
  await gateway.ok(gateway.expect("commit"), { offsets: [] });
  consumer.seek([{ topic: "t", partition: 0, offset: 0 }]);
  await gateway.turn();
  await gateway.ok(gateway.expect("seek"));
  read.seen.length = 0;
  read.holds = true;
  await gateway.records(0, 0, 1);
  await gateway.records(0, 1, 6);
  await gateway.cut();
  await joined(gateway, [assigned(0, 10)]);
  const seek = gateway.expect("seek");
  assertEquals(seek["partitions"], [{ topic: "t", partition: 0, offset: 6 }]);
  await gateway.records(0, 10, 12);
  await gateway.ok(seek);
  await gateway.records(0, 6, 12);
  read.holds = false;
  read.go();
  await gateway.turn();
  assertEquals(read.seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

Deno.test("a consumer's seek waits for the connection, and for what is owned then", async () => {
  const waiting = async (answered: boolean) => {
    const gateway = await ScriptedGateway.open();
    const places = [{ topic: "t", partition: 0, offset: 40 }];
    let load = () => {};
    const consumer = gateway.client.consume<number>("t", {
      group: "g",
      onAssign: async () => {
        await new Promise<void>((resolve) => load = resolve);
        await consumer.seek(places);
      },
    });
    const next = outcomeOf(consumer[Symbol.asyncIterator]().next());
    await gateway.turn();
    await joined(gateway);
    if (answered) gateway.closeSocket();
    load();
    await gateway.turn();
    // Either it is asked for without a connection, or the connection goes before the answer.
    if (!answered) gateway.closeSocket();
    await gateway.advance(3_000);
    await gateway.greet();
    return { gateway, consumer, next, places };
  };
  for (const answered of [true, false]) {
    const { gateway, next, places } = await waiting(answered);
    await joined(gateway);
    const seeks = gateway.take().filter(({ type }) => type === "seek");
    assertEquals(seeks.map(({ partitions }) => partitions), [places]);
    await gateway.ok(seeks[0] as Frame);
    await gateway.records(0, 40, 41);
    assertEquals(next.now, "done");
  }

  const another = await waiting(true);
  await joined(another.gateway, [assigned(0, 7)]);
  await another.gateway.ok(another.gateway.expect("leave"));
  assertEquals(another.next.now, "not_owner none");

  const closed = await waiting(false);
  closed.consumer.close();
  closed.gateway.closeSocket();
  await closed.gateway.turn();
  assertEquals(closed.next.now, "closed none");
});

Deno.test("a partition whose log ends before what came of it begins anew, another goes on", async () => {
  const gateway = await ScriptedGateway.open();
  const told: string[] = [];
  const consumer = gateway.client.consume<number>("t", {
    group: "g",
    onAssign: (given) => void told.push(`assign ${given.map(({ partition }) => partition)}`),
    onRevoke: (gone) => void told.push(`revoke ${gone.map(({ partition }) => partition)}`),
  });
  await gateway.turn();
  await joined(gateway, [assigned(0), assigned(1)]);
  const read = reading(consumer);
  read.holds = false;
  await gateway.records(0, 0, 10);
  await gateway.records(1, 0, 10);
  read.seen.length = 0;
  told.length = 0;
  await gateway.cut();
  const ends = [4, 10];
  await joined(gateway, ends.map((end, partition) => ({ ...assigned(partition, 2), end })));
  await gateway.records(0, 2, 6);
  await gateway.records(1, 2, 11);
  assertEquals(told, ["revoke 0", "assign 0"]);
  assertEquals(read.seen, [2, 3, 4, 5, 10]);
});

Deno.test("what was asked to be committed with metadata is not committed without", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g" });
  const commit = (metadata: string) =>
    outcomeOf(consumer.commit([{ topic: "t", partition: 0, offset: 1, metadata }]));
  const committed = () =>
    gateway.take().filter(({ type }) => type === "commit").map(({ offsets }) => offsets);
  const noted = (metadata: string) => [{ topic: "t", partition: 0, offset: 1, metadata }];
  await gateway.turn();
  await joined(gateway);
  const read = reading(consumer);
  await gateway.records(0, 0, 1);
  const first = commit("first");
  read.go();
  await gateway.advance(200);
  assertEquals(committed(), [noted("first")]);

  // The last that was asked for is what goes again, and what was never sent goes as it was asked for.
  commit("second");
  await gateway.turn();
  gateway.closeSocket();
  commit("third");
  await gateway.advance(3_000);
  await gateway.greet();
  await joined(gateway);
  const again = gateway.take().filter(({ type }) => type === "commit");
  assertEquals(again.map(({ offsets }) => offsets), [noted("third")]);
  await gateway.ok(again[0] as Frame, { offsets: [] });
  assertEquals(first.now, "done");
});

Deno.test("commits with much metadata go in several frames", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume<number>("t", { group: "g", autoCommitMs: false });
  const partitions = Array.from({ length: 40 }, (_, partition) => assigned(partition));
  await gateway.turn();
  await joined(gateway, partitions);
  consumer.commit(
    partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: 0,
      metadata: "m".repeat(4_096),
    })),
  ).catch(() => {});
  await gateway.turn();
  const commits = gateway.take().filter(({ type }) => type === "commit");
  assertEquals(commits.map(({ offsets }) => (offsets as unknown[]).length), [15, 15, 10]);
});
