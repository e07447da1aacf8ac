/** The client against a gateway that follows a script: cases that the simulation rarely meets. */

import { assertEquals, assertLess } from "@std/assert";
import { idBehind } from "../../src/client/connection.ts";
import {
  type Frame,
  joined,
  limits,
  outcomeOf,
  ScriptedGateway,
  subscribed,
} from "./scripted_gateway.ts";

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

Deno.test("a publish without records or topic is refused, and spoils no other's frame", async () => {
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

Deno.test("an empty transaction is refused, and takes no sequence", async () => {
  const gateway = await ScriptedGateway.open();
  const { producer } = await producing(gateway);
  for (const publish of gateway.take()) await gateway.ok(publish, { offsets: [[0, 0]] });
  const empty = outcomeOf(gateway.client.transact([], { producer }));
  producer.publish("t", { value: 1 });
  await gateway.advance(10);
  for (const frame of gateway.take()) {
    if (frame.type === "transact") await gateway.refuse(frame, "invalid_frame");
    else await gateway.ok(frame, { offsets: [[0, 0]] });
  }
  producer.publish("t", { value: 2 });
  await gateway.advance(10);
  const { producer: stamp } = gateway.expect("publish");
  assertEquals([empty.now, stamp], ["invalid_frame none", { id: "p", epoch: 1, sequence: 3 }]);
});

Deno.test("a publish behind an aborted one is sent", async () => {
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

Deno.test("a flush ends with the answer to a publish that was resent only for its sequence", async () => {
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

Deno.test("publishes that wait for a retry when the client is closed are rejected", async () => {
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
  for (let i = 0; i < limits.inFlight / 2; i++) subscription.seek([{ partition: 0, offset: 0 }]);
  gateway.client.publish("t", { value: 1 }).catch(() => {});
  gateway.client.publish("t", { value: 2 }).catch(() => {});
  await gateway.turn();
  const [first, second] = gateway.take().filter(({ type }) => type === "seek") as [Frame, Frame];
  await gateway.ok(first);
  assertEquals(gateway.take().map(({ records }) => records), [[{ value: 1 }]]);
  await gateway.ok(second);
  assertEquals(gateway.take().map(({ records }) => records), [[{ value: 2 }]]);
});

Deno.test("publishes leave room for requests that cannot wait: a closed consumer can leave", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  await joined(gateway);
  for (let i = 0; i < 2 * limits.inFlight; i++) {
    gateway.client.publish("t", { value: i }).catch(() => {});
  }
  consumer.close();
  await gateway.turn();
  const sent = gateway.take();
  assertEquals(sent.at(-1)?.type, "leave");
  assertLess(sent.length, limits.inFlight);
});

Deno.test("unanswered publishes of a fenced producer may be stored", async () => {
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

Deno.test("a subscription that a listener begins when the connection opens is requested once", async () => {
  const gateway = ScriptedGateway.silent();
  gateway.client.onState(({ status }) => {
    if (status === "open") gateway.client.subscribe("t");
  });
  await gateway.greet();
  assertEquals(gateway.take().map(({ type }) => type), ["subscribe"]);
});

Deno.test("a request that was refused temporarily is sent once on the next connection", async () => {
  const gateway = await ScriptedGateway.open();
  gateway.client.subscribe("t");
  gateway.client.consume("t", { group: "g" });
  await gateway.turn();
  for (const request of gateway.take()) await gateway.refuse(request, "unavailable", "same");
  await gateway.cut();
  assertEquals(gateway.take().map(({ type }) => type), ["subscribe", "join"]);
});

Deno.test("a closed client has no timers left", async () => {
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

Deno.test("a transaction that waits while its consumer joins again is sent when it has", async () => {
  const gateway = await ScriptedGateway.open();
  const consumer = gateway.client.consume("t", { group: "g", autoCommitMs: false });
  await gateway.turn();
  await joined(gateway);
  const offsets = [{ topic: "t", partition: 0, offset: 1 }];
  const part = { topic: "o", records: { value: 1 } };
  const outcome = outcomeOf(gateway.client.transact([part], { commit: { consumer, offsets } }));
  await gateway.turn();
  await gateway.refuse(gateway.expect("transact"), "unavailable", "same");
  await gateway.cut();
  await joined(gateway);
  await gateway.ok(gateway.expect("transact"), { offsets: [[[0, 0]]] });
  assertEquals(outcome.now, "done");
});

Deno.test("a signal without a reason, as in React Native, aborts calls and loops", async () => {
  const gateway = await ScriptedGateway.open();
  const signal = Object.assign(new EventTarget(), { aborted: false }) as unknown as AbortSignal;
  const published = outcomeOf(gateway.client.publish("t", { value: 1 }, { signal }));
  const subscription = await subscribed(gateway, { signal });
  const next = outcomeOf(subscription[Symbol.asyncIterator]().next());
  Object.assign(signal, { aborted: true });
  signal.dispatchEvent(new Event("abort"));
  const late = outcomeOf(gateway.client.publish("t", { value: 2 }, { signal }));
  await gateway.turn();
  assertEquals([published, next, late].map(({ now }) => now), Array(3).fill("AbortError"));
  assertEquals(gateway.take().filter(({ type }) => type === "publish"), []);
});

Deno.test("the ids of requests stay within their bound", () => {
  assertEquals([0, 1, 2 ** 31 - 2, 2 ** 31 - 1].map(idBehind), [1, 2, 2 ** 31 - 1, 1]);
});

Deno.test("a producer that is closing accepts no more publishes", async () => {
  const gateway = await ScriptedGateway.open();
  const { producer, outcomes } = await producing(gateway);
  const closed = outcomeOf(producer.close());
  const late = outcomeOf(producer.publish("t", { value: 2 }));
  await gateway.turn();
  assertEquals([closed.now, late.now], ["pending", "closed none"]);
  for (const publish of gateway.take()) await gateway.ok(publish, { offsets: [[0, 0]] });
  assertEquals([...outcomes, closed].map(({ now }) => now), ["done", "done", "done"]);
});
