/**
 * A store that is copied under load, and restored after a loss: what clients had of it since the copy
 * is gone, and each of them learns it, goes on, and misses nothing of what comes next.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { connect } from "../../src/client/mod.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { Stamp } from "../support/frames.ts";
import { freePort } from "../support/free_port.ts";
import { Gateway } from "../support/gateway.ts";
import { describeTopic, makeTopic } from "../support/http.ts";

/** A store in a folder of its own, one copy of it, and the gateway that has it open. */
class Restorable implements AsyncDisposable {
  readonly #folder: string;
  readonly #environment: { readonly WEIR_STORE: string; readonly PORT: string };
  gateway!: Gateway;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#environment = { WEIR_STORE: `${folder}/weir.kv`, PORT: String(freePort()) };
  }

  static async start(): Promise<Restorable> {
    const store = new Restorable(await Deno.makeTempDir({ prefix: "weir-" }));
    await store.#start();
    return store;
  }

  /** As README.md says to, while the gateway runs. */
  copy(): void {
    const file = new DatabaseSync(this.#environment.WEIR_STORE);
    file.exec(`VACUUM INTO '${this.#folder}/copy.kv'`);
    file.close();
  }

  /** The gateway is killed, its store is lost, and the copy takes its place. */
  async restore(): Promise<void> {
    await this.gateway.stop("SIGKILL");
    const { WEIR_STORE } = this.#environment;
    for (const part of ["", "-wal", "-shm"]) await Deno.remove(WEIR_STORE + part);
    await Deno.rename(`${this.#folder}/copy.kv`, WEIR_STORE);
    await this.#start();
  }

  async #start(): Promise<void> {
    this.gateway = await Gateway.start(this.#environment);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Publishes so many, each with its sequence as its value. */
async function publish(
  client: Client,
  topic: string,
  producer: Omit<Stamp, "sequence">,
  [from, to]: readonly [number, number],
): Promise<void> {
  for (let sequence = from; sequence < to; sequence++) {
    await client.publish(topic, [{ value: sequence, partition: 0 }], { ...producer, sequence });
  }
}

Deno.test("a copy that is made under load has all that was acknowledged before it, and no hole", async () => {
  await using store = await Restorable.start();
  const topic = await makeTopic(store.gateway, 1);
  const client = await Client.open(store.gateway);
  const records = (value: number) => [{ value, partition: 0, headers: { x: "x".repeat(10_000) } }];
  for (let value = 0; value < 50; value++) await client.publish(topic, records(value));
  // They are on their way, and are taken while this process is busy with the copy.
  const underWay = Array.from(
    { length: 200 },
    (_, i) => client.publish(topic, records(50 + i)).catch(() => {}),
  );
  store.copy();
  await Promise.all(underWay);
  await store.restore();
  await client.closed;

  const { next } = (await describeTopic(store.gateway, topic)).partitions[0]!;
  assert(next >= 50 && next <= 250, `the copy has ${next}`);
  await using reader = await Client.open(store.gateway);
  const options = { from: "earliest", credit: { records: 1_000 } };
  const { subscription } = await reader.subscribe(topic, options);
  const values = (await reader.records(subscription, next)).map(({ value }) => value);
  assertEquals(values, Array.from({ length: next }, (_, i) => i));
});

Deno.test("readers, groups and producers learn that the store went back, and go on", async () => {
  await using store = await Restorable.start();
  const topic = await makeTopic(store.gateway, 1);
  const before = await Client.open(store.gateway);
  const { producer } = await before.initProducer("cab-7");
  await publish(before, topic, producer, [0, 20]);
  const { subscription } = await before.join("fares", [topic]);
  await before.until("assign", ({ partitions }) => partitions.length === 1);
  await before.commit(subscription, [{ topic, partition: 0, offset: 15 }]);
  store.copy();
  await publish(before, topic, producer, [20, 60]);
  await before.commit(subscription, [{ topic, partition: 0, offset: 60 }]);
  const { producer: newest } = await before.initProducer("cab-7");
  const { incarnation } = await before.subscribe(topic);
  const { incarnation: ofLater } = await before.subscribe("made-later");
  await store.restore();
  await before.closed;

  await using client = await Client.open(store.gateway);
  const positions = [{ partition: 0, offset: 60 }];
  const reader = await client.subscribe(topic, { from: { positions, incarnation } });
  assertEquals([reader.positions, reader.recovered], [
    [{ topic, partition: 0, offset: 20, reset: "beyond_end" }],
    false,
  ]);
  const later = await client.subscribe("made-later", { from: { positions, incarnation: ofLater } });
  assertEquals([later.positions[0]!.reset, later.recovered], ["incarnation", false]);

  const member = await client.join("fares", [topic]);
  const assigned = (await client.until("assign")).partitions[0]!;
  assertEquals([assigned.offset, assigned.end, assigned.incarnation], [15, 20, incarnation]);
  const beyond = [{ topic, partition: 0, offset: 60 }];
  for (const frame of [{ type: "commit", offsets: beyond }, { type: "seek", partitions: beyond }]) {
    const subscribed = { ...frame, subscription: member.subscription };
    const { start, next } = await client.refused("offset_out_of_range", subscribed);
    assertEquals([start, next], [0, 20]);
  }

  // What the store does not know of comes again with its own numbers, and then what is new.
  await publish(client, topic, producer, [59, 61]);
  const repeat = await client.publish(topic, [{ value: 60, partition: 0 }], {
    ...producer,
    sequence: 60,
  });
  assertEquals([repeat.offsets, repeat.duplicate], [[[0, 21]], true]);
  const { producer: again } = await client.initProducer("cab-7");
  assertEquals(again.id, producer.id);
  assertGreater(again.epoch, newest.epoch, "no epoch is given out twice");

  const seen = async (subscription: number, count: number) =>
    (await client.records(subscription, count)).map(({ value }) => value);
  assertEquals(await seen(reader.subscription, 2), [59, 60]);
  assertEquals(await seen(member.subscription, 7), [15, 16, 17, 18, 19, 59, 60]);
  const { offsets } = await client.commit(member.subscription, [{ ...beyond[0]!, offset: 22 }]);
  assertEquals(offsets, [{ topic, partition: 0, offset: 22 }]);
});

Deno.test("the client's loops miss nothing of what is published to a store that went back", async () => {
  await using store = await Restorable.start();
  const topic = await makeTopic(store.gateway, 1);
  await using client = connect(store.gateway.origin);
  const [byMember, bySubscriber]: [unknown[], unknown[]] = [[], []];
  const resumed: boolean[] = [];
  const consumer = client.consume(topic, { group: "fares", autoCommitMs: 20 });
  const subscription = client.subscribe(topic, {
    from: "earliest",
    onResume: ({ recovered }) => resumed.push(recovered),
  });
  const loops = [
    (async () => {
      for await (const { value } of consumer) byMember.push(value);
    })(),
    (async () => {
      for await (const { value } of subscription) bySubscriber.push(value);
    })(),
  ];
  const producer = client.producer();
  const publishAll = async (name: string, count: number) => {
    for (let i = 0; i < count; i++) await producer.publish(topic, { key: "k", value: name + i });
  };
  const haveAll = (name: string, count: number) =>
    eventually(
      `both have all of ${name}`,
      () =>
        [byMember, bySubscriber].every((values) =>
          new Set(values.filter((value) => String(value).startsWith(name))).size === count
        ),
    );

  await publishAll("kept-", 20);
  await haveAll("kept-", 20);
  store.copy();
  await publishAll("lost-", 40);
  await haveAll("lost-", 40);
  await store.restore();
  await publishAll("next-", 30);
  await haveAll("next-", 30);
  assertEquals(resumed, [false], "the subscription is told that its place is gone");
  await Promise.all([consumer.close(), subscription.close(), ...loops]);
});
