/** Section 1 of the page: signs of life, both ways, and what heartbeats say about positions. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { makeTopic } from "../support/http.ts";

const heartbeatMs = 200;
const sessionTimeoutMs = 700;

const shared = Gateway.shared({
  WEIR_HEARTBEAT_MS: String(heartbeatMs),
  WEIR_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
});

Deno.test("after heartbeatMs of silence comes a ping, after sessionTimeoutMs the end with 4000", async () => {
  await using client = await Client.open(shared.gateway, { answersPings: false });
  const begun = performance.now();
  await client.until("ping");
  const pinged = performance.now() - begun;
  assertEquals(await client.closeCode(), 4000);
  const ended = performance.now() - begun;
  assert(pinged > heartbeatMs * 0.7, `pinged after ${pinged} ms`);
  assert(ended > sessionTimeoutMs * 0.9, `ended after ${ended}`);
});

Deno.test("a client that answers each ping lives on", async () => {
  await using client = await Client.open(shared.gateway);
  const begun = performance.now();
  while (performance.now() - begun < 2 * sessionTimeoutMs) await client.until("ping");
  await client.beat();
});

Deno.test("any frame counts as a sign of life, even one that is refused", async () => {
  await using client = await Client.open(shared.gateway, { answersPings: false });
  const begun = performance.now();
  while (performance.now() - begun < 1.5 * sessionTimeoutMs) {
    await client.until("ping");
    client.send({ type: "levitate", id: client.id() });
  }
  await client.beat();
});

Deno.test("a client that beats by itself is not pinged", async () => {
  await using client = await Client.open(shared.gateway);
  const begun = performance.now();
  while (performance.now() - begun < 2 * heartbeatMs) await client.beat();
  assertEquals(client.pushes("ping").length, 0);
});

Deno.test("the first heartbeat names next and end of all partitions, later ones what changed", async () => {
  const topic = await makeTopic(shared.gateway, 3);
  await using client = await Client.open(shared.gateway);
  assertEquals((await client.beat()).heads, {});
  await client.publish(topic, [{ value: "a", partition: 1 }]);
  const { subscription } = await client.subscribe(topic, { from: "earliest" });
  await client.records(subscription, 1);
  const first = (await client.beat()).heads[subscription]!;
  assertEquals(
    first.toSorted((a, b) => a.partition - b.partition),
    [
      { topic, partition: 0, next: 0, end: 0 },
      { topic, partition: 1, next: 1, end: 1 },
      { topic, partition: 2, next: 0, end: 0 },
    ],
  );
  assertEquals((await client.beat()).heads[subscription] ?? [], []);
  await client.publish(topic, [{ value: "b", partition: 2 }]);
  await client.records(subscription, 2);
  assertEquals((await client.beat()).heads[subscription], [
    { topic, partition: 2, next: 1, end: 1 },
  ]);
});

Deno.test("heads tell a client without credit how far behind it is", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.subscribe(topic, { credit: { records: 2 } });
  await client.publish(topic, Array.from({ length: 7 }, (_, value) => ({ value })));
  await client.settled(subscription, { partition: 0, next: 2, end: 7 });
  assertEquals(client.delivered(subscription).length, 2);
});

Deno.test("members get heads of what they own", async () => {
  const topic = await makeTopic(shared.gateway, 2);
  await using client = await Client.open(shared.gateway);
  const { subscription } = await client.join("heads", [topic]);
  await client.until("assign", ({ partitions }) => partitions.length === 2);
  await client.publish(topic, [{ value: "a", partition: 1 }]);
  await client.settled(subscription, { partition: 0, next: 0, end: 0 });
  await client.settled(subscription, { partition: 1, next: 1, end: 1 });
});

Deno.test("a member that falls silent loses its partitions when its session ends", async () => {
  const topic = await makeTopic(shared.gateway, 1);
  await using silent = await Client.open(shared.gateway, { answersPings: false });
  await silent.join("silent", [topic]);
  await silent.until("assign", ({ partitions }) => partitions.length === 1);
  await using next = await Client.open(shared.gateway);
  await next.join("silent", [topic]);
  assertEquals((await next.until("assign")).partitions, []);
  assertEquals(await silent.closeCode(), 4000);
  assertEquals((await next.until("assign")).partitions.length, 1);
});
