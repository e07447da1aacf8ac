/**
 * A gateway that is killed, or stopped, and started again on the same file: what the page calls durable
 * is there, and clients go on where they were.
 */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { Client } from "../support/client.ts";
import type { Published, Stamp } from "../support/frames.ts";
import { Gateway } from "../support/gateway.ts";
import { describeGroup, describeTopic, json, makeTopic } from "../support/http.ts";

/** Runs a test on a store of its own in a directory that goes away. */
async function withStore(run: (file: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "weir-" });
  try {
    await run(`${directory}/weir.kv`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const values = (count: number, partition: number) =>
  Array.from({ length: count }, (_, value) => ({ value, partition }));

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`after ${signal} and a start on the same file all is as it was`, async () => {
    await withStore(async (WEIR_STORE) => {
      const first = await Gateway.start({ WEIR_STORE, WEIR_DRAIN_MS: "300" });
      const topic = await makeTopic(first, 4, { retentionMs: 3_600_000 });
      const client = await Client.open(first);
      const { producer } = await client.initProducer("taxi-7");
      const stored: Published[] = [];
      for (let sequence = 0; sequence < 8; sequence++) {
        const records = values(3, sequence % 4);
        stored.push(await client.publish(topic, records, { ...producer, sequence }));
      }
      const { incarnation } = await client.subscribe(topic);
      const fixed = await client.join("meters", [topic], { instance: "meter-1" });
      await client.until("assign", ({ partitions }) => partitions.length === 4);
      const offsets = [0, 1, 2, 3].map((partition) => ({ topic, partition, offset: partition }));
      await client.commit(fixed.subscription, offsets);
      await client.join("maps", [topic]);
      const before = await describeTopic(first, topic);
      await first.stop(signal);
      await client.closed;

      await using second = await Gateway.start({ WEIR_STORE });
      assertEquals(await describeTopic(second, topic), before);
      await using again = await Client.open(second);
      await resumesReading(again, topic, incarnation);
      await repeatsProducing(again, topic, producer, stored);
      const group = await describeGroup(second, "meters");
      assertEquals(group.members.map(({ instance }) => instance), ["meter-1"]);
      assertEquals(group.members[0]!.partitions.length, 4);
      const dynamic = await describeGroup(second, "maps");
      assertEquals(dynamic.members, [], "a member without instance is gone at once");
      await again.join("meters", [topic], { instance: "meter-1" });
      const { partitions } = await again.until("assign");
      assertEquals(
        partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset),
        [0, 1, 2, 3],
      );
    });
  });
}

async function resumesReading(client: Client, topic: string, incarnation: string): Promise<void> {
  const positions = [0, 1, 2, 3].map((partition) => ({ partition, offset: 4 }));
  const resumed = await client.subscribe(topic, { from: { positions, incarnation } });
  assertEquals(resumed.recovered, true);
  const delivered = await client.records(resumed.subscription, 8);
  assertEquals(new Set(delivered.map(({ value }) => value)), new Set([1, 2]));
}

async function repeatsProducing(
  client: Client,
  topic: string,
  producer: Omit<Stamp, "sequence">,
  stored: readonly Published[],
): Promise<void> {
  for (const [sequence, { offsets }] of stored.entries()) {
    const records = values(3, sequence % 4);
    const repeat = await client.publish(topic, records, { ...producer, sequence });
    assertEquals([repeat.offsets, repeat.duplicate], [offsets, true]);
  }
  const { producer: newer } = await client.initProducer("taxi-7");
  assertEquals(newer.id, producer.id);
  assertGreater(newer.epoch, producer.epoch);
  await client.publish(topic, values(1, 0), { ...newer, sequence: 0 });
  const stale = { ...producer, sequence: stored.length };
  const frame = { type: "publish", topic, records: values(1, 0), producer: stale };
  await client.refused("producer_fenced", frame);
}

Deno.test("what was acknowledged before a kill under load is there after it, and repeats store nothing twice", async () => {
  await withStore(async (WEIR_STORE) => {
    const known = new Map<number, number>();
    let topic = "";
    let producer: Omit<Stamp, "sequence"> | undefined;
    let next = 0;
    for (let round = 0; round < 3; round++) {
      const gateway = await Gateway.start({ WEIR_STORE });
      topic ||= await makeTopic(gateway, 1);
      const client = await Client.open(gateway);
      producer ??= (await client.initProducer()).producer;
      // All of the last 64 again, whether they were answered or not: then on from there.
      for (let sequence = Math.max(0, next - 64); sequence < next; sequence++) {
        await send(client, sequence);
      }
      const until = next + 500;
      const sending: Promise<void>[] = [];
      for (; next < until; next++) {
        sending.push(send(client, next).catch(() => {}));
        if (next === until - 20) gateway.signal("SIGKILL");
        if (sending.length >= 32) await sending.shift();
      }
      await gateway.ended();
      await client.closed;
      await Promise.all(sending);
    }
    await using gateway = await Gateway.start({ WEIR_STORE });
    await using client = await Client.open(gateway);
    for (let sequence = next - 64; sequence < next; sequence++) await send(client, sequence);
    const { subscription } = await client.subscribe(topic, {
      from: "earliest",
      credit: { records: 100_000 },
    });
    const delivered = await client.records(subscription, next);
    assertEquals(delivered.map(({ value }) => value), Array.from({ length: next }, (_, n) => n));
    for (const [sequence, offset] of known) assertEquals(offset, sequence);
    assertGreater(known.size, 1_000);

    async function send(to: Client, sequence: number): Promise<void> {
      const records = [{ value: sequence, partition: 0 }];
      const { offsets } = await to.publish(topic, records, { ...producer!, sequence });
      const offset = offsets[0]![1];
      assertEquals(known.get(sequence) ?? offset, offset, "a repeat has its original offset");
      known.set(sequence, offset);
    }
  });
});

Deno.test("a store that is open in another gateway is refused in one line", async () => {
  await withStore(async (WEIR_STORE) => {
    await using gateway = await Gateway.start({ WEIR_STORE });
    const { code, stderr } = await Gateway.refused({ WEIR_STORE });
    assert(code !== 0);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, "weir.kv");
    await json(gateway, "GET", "/v1/topics");
  });
});

Deno.test("an unknown setting, or a bad value, ends the start with one line that names it", async () => {
  const settings = [{ WEIR_HEARTBEATS: "1" }, { WEIR_DRAIN_MS: "soon" }, { HOST: "0.0.0.0" }];
  await Promise.all(settings.map(async (environment) => {
    const { code, stderr } = await Gateway.refused(environment);
    assert(code !== 0);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, Object.keys(environment)[0]!);
  }));
});
