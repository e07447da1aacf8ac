/** Section 5 of the page: draining. Each test ends a gateway of its own. */

import { assert, assertEquals } from "@std/assert";
import { TICK_MS } from "../../src/limits.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { Gateway } from "../support/gateway.ts";
import { call, fresh, makeTopic } from "../support/http.ts";

/** A gateway with a topic of two partitions, its dynamic member, an instance and some followers. */
async function busy(drainMs: number) {
  const said: string[] = [];
  const environment = { WEIR_DRAIN_MS: String(drainMs) };
  const gateway = await Gateway.start(environment, (line) => said.push(line));
  const topic = await makeTopic(gateway, 2);
  const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(gateway)));
  const [member, instance, ...followers] = clients as [Client, Client, ...Client[]];
  await member.publish(topic, [{ value: 1, partition: 0 }, { value: 2, partition: 1 }]);
  const { subscription } = await member.join(fresh("group"), [topic]);
  await member.until("assign", ({ partitions }) => partitions.length === 2);
  await instance.join(fresh("group"), [topic], { instance: "worker-1" });
  await instance.until("assign", ({ partitions }) => partitions.length === 2);
  for (const follower of followers) await follower.subscribe(topic);
  const follower = followers[0]!;
  return { gateway, said, topic, clients, member, subscription, instance, follower };
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} drains: news for each socket, what is asked for is answered, 4001 when all is released`, async () => {
    const { gateway, topic, clients, member, subscription, instance, follower } = await busy(
      60_000,
    );
    await using _ = gateway;
    gateway.signal(signal);
    const drains = await Promise.all(clients.map((client) => client.until("drain")));
    const times = drains.map(({ reconnectAfterMs }) => reconnectAfterMs);
    assert(times.every((ms) => Number.isSafeInteger(ms) && ms >= 0), JSON.stringify(times));
    assertEquals(new Set(times).size, clients.length, "a different time for each");
    assertEquals((await call(gateway, "GET", "/readyz")).status, 503);
    assertEquals((await call(gateway, "GET", "/healthz")).status, 200);

    for (
      const request of [
        { type: "subscribe", topic },
        { type: "join", group: fresh("group"), topics: [topic] },
      ]
    ) {
      const error = await follower.refused("unavailable", request);
      assertEquals([error.retry, error.effect], ["reconnect", "none"]);
    }
    await follower.publish(topic, [{ value: 3, partition: 0 }]);
    const { partitions } = await member.until("revoke");
    assertEquals(partitions.length, 2);
    await member.commit(
      subscription,
      partitions.map(({ topic, partition }) => ({ topic, partition, offset: 1 })),
    );
    member.send({ type: "release", subscription, partitions });

    // Long before WEIR_DRAIN_MS is over.
    const codes = await Promise.all(clients.map((client) => client.closeCode()));
    assertEquals(codes, clients.map(() => 4001));
    assertEquals(instance.pushes("revoke").length, 0, "an instance comes back");
    assertEquals((await gateway.ended()).code, 0);
  });
}

Deno.test("after WEIR_DRAIN_MS everything closes with 4001, released or not, and the exit is 0", async () => {
  const { gateway, clients, member } = await busy(600);
  await using _ = gateway;
  const begun = performance.now();
  gateway.signal("SIGTERM");
  await member.until("revoke");
  const codes = await Promise.all(clients.map((client) => client.closeCode()));
  assertEquals(codes, clients.map(() => 4001));
  assertEquals((await gateway.ended()).code, 0);
  const took = performance.now() - begun;
  assert(took > 500, `It took ${took} ms`);
});

for (const [first, second] of [["SIGTERM", "SIGTERM"], ["SIGTERM", "SIGINT"]] as const) {
  Deno.test(`a second signal (${second}) ends it at once, with 1, and it says why in one line`, async () => {
    const { gateway, said, clients, member } = await busy(60_000);
    await using _ = gateway;
    gateway.signal(first);
    await member.until("revoke");
    gateway.signal(second);
    // The second signal ends it, not the end of the drain, which would take a minute.
    assertEquals((await gateway.ended()).code, 1);
    await eventually("a line says why", () => said.length > 0);
    assertEquals(said, ["weir ends: a second signal came before it had drained"]);
    await Promise.all(clients.map((client) => client.close()));
  });
}

Deno.test("each socket closes no sooner than it was told to come back, so that not all come at once", async () => {
  const gateway = await Gateway.start({ WEIR_DRAIN_MS: "30000" });
  await using _ = gateway;
  const clients = await Promise.all(Array.from({ length: 120 }, () => Client.open(gateway)));
  const begun = performance.now();
  gateway.signal("SIGTERM");
  const told = await Promise.all(clients.map(async (client) => {
    const { reconnectAfterMs } = await client.until("drain");
    assertEquals(await client.closeCode(), 4001);
    return { reconnectAfterMs, closedAfterMs: performance.now() - begun };
  }));
  const latest = Math.max(...told.map(({ reconnectAfterMs }) => reconnectAfterMs));
  assert(latest >= 100, `They are told to come back within ${latest} ms`);
  for (const { reconnectAfterMs, closedAfterMs } of told) {
    assert(closedAfterMs >= reconnectAfterMs - TICK_MS, `${closedAfterMs}, ${reconnectAfterMs}`);
  }
  assertEquals((await gateway.ended()).code, 0);
});

Deno.test("a client that connects during a drain is refused, and closed with 4001 at once", async () => {
  const { gateway, topic, member, clients } = await busy(60_000);
  await using _ = gateway;
  gateway.signal("SIGTERM");
  await member.until("revoke");
  const newcomer = await Client.open(gateway, { hello: false });
  const replies = await newcomer.all([{ type: "hello" }, { type: "subscribe", topic }]);
  for (const reply of replies) {
    const { type, code, retry } = reply as Record<string, unknown>;
    assertEquals([type, code, retry], ["error", "unavailable", "reconnect"]);
  }
  assertEquals(await newcomer.closeCode(), 4001);
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test("with nobody connected it ends at once, with 0", async () => {
  const drainMs = 60_000;
  await using gateway = await Gateway.start({ WEIR_DRAIN_MS: String(drainMs) });
  const begun = performance.now();
  assertEquals((await gateway.stop("SIGTERM")).code, 0);
  assert(performance.now() - begun < drainMs / 2, "it does not wait for WEIR_DRAIN_MS");
});
