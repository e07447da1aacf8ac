/** Subscriptions of the client, against a gateway that follows a script. */

import { assertEquals } from "@std/assert";
import type { Resumed } from "../../src/client/mod.ts";
import {
  type Frame,
  outcomeOf,
  reading,
  ScriptedGateway,
  stands,
  standsAnew,
  subscribed,
} from "./scripted_gateway.ts";

Deno.test("a seek without a connection is sent on the next one", async () => {
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

Deno.test("a seek in onResume is sent once", async () => {
  const gateway = await ScriptedGateway.open();
  const places = [{ partition: 0, offset: 0 }];
  const subscription = await subscribed(gateway, { onResume: () => subscription.seek(places) });
  await gateway.cut();
  await stands(gateway, gateway.expect("subscribe"), 0);
  assertEquals(gateway.take().map(({ type }) => type), ["seek"]);
});

Deno.test("after a seek in the loop's body the rest of the batch is not delivered", async () => {
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

Deno.test("records beyond the end of a log that was cut are discarded", async () => {
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

Deno.test("a topic that was created again is followed in the partitions that it has now", async () => {
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

Deno.test("records of a topic that has fewer partitions now are discarded", async () => {
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

Deno.test("a trimmed start moves the position past no record that waits", async () => {
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

Deno.test("a gap counts as processed by the position and the lag", async () => {
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

Deno.test("records with other keys count as processed, even if one was in hand when heads passed them", async () => {
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

Deno.test("a subscription that was never established has no position", () => {
  const gateway = ScriptedGateway.silent();
  assertEquals(gateway.client.subscribe("t").position, undefined);
});

Deno.test("a loop whose subscription is closed gets nothing more, be it of a batch that it has", async () => {
  const gateway = await ScriptedGateway.open();
  const abort = new AbortController();
  const subscription = await subscribed(gateway, { signal: abort.signal });
  const seen: number[] = [];
  const loop = outcomeOf((async () => {
    for await (const { offset } of subscription) {
      seen.push(offset);
      if (offset === 1) abort.abort();
    }
  })());
  await gateway.records(0, 0, 5);
  assertEquals([seen, loop.now], [[0, 1], "20"]);
  assertEquals(subscription.position?.positions, [{ partition: 0, offset: 2 }]);
});
