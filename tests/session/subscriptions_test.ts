import { assertEquals } from "@std/assert";
import { Hub } from "../../src/fanout/hub.ts";
import { SESSION } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { Subscriptions } from "../../src/session/subscriptions.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { testHost } from "../support/test_host.ts";

/** A session's subscriptions, and how to follow so many partitions by one more. */
async function fixture() {
  const host = testHost();
  const log = new Log(new MemoryStore(), host, 0);
  const hub = new Hub(log, host.clock);
  const { topic } = await log.topics.create("t", { partitions: 600 });
  await log.open(topic);
  const subscriptions = new Subscriptions();
  const follow = (partitions: number) => {
    const subscription = subscriptions.reserve();
    const feed = hub.open({ subscription }, { full: false, push() {} });
    for (let partition = 0; partition < partitions; partition++) feed.add(topic, partition, 0);
    subscriptions.add(subscription, { kind: "fan-out", needs: { verb: "read", topic: "t" }, feed });
  };
  return { subscriptions, follow };
}

Deno.test("after a look at very many heads there is none for a while, and nothing is lost by it", async () => {
  const { subscriptions, follow } = await fixture();
  const ms = 600 / SESSION.headsPerMs;
  follow(600);
  assertEquals(subscriptions.heads(0)["1"]?.length, 600);
  follow(1);
  assertEquals(subscriptions.heads(ms - 1), {});
  assertEquals(Object.keys(subscriptions.heads(ms)), ["2"]);
});

Deno.test("who follows few partitions is told of their heads by each heartbeat", async () => {
  const { subscriptions, follow } = await fixture();
  follow(100);
  assertEquals(subscriptions.heads(0)["1"]?.length, 100);
  follow(1);
  assertEquals(Object.keys(subscriptions.heads(0)), ["2"]);
});
