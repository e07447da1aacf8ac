/** Applications that use the client, and record in the history what it tells them. */

import {
  type Assigned,
  type Client,
  connect,
  type Consumer,
  type Position,
  type Producer,
  type RecordBatch,
  type RecordPlace,
  type RecordToPublish,
  type Subscription,
  WeirError,
} from "../../src/client/mod.ts";
import type { Commit, Place, Position as CommitPosition, Send } from "../checker/history.ts";
import type { Recorder } from "../checker/recorder.ts";
import type { TopicPartition } from "../../src/types.ts";
import type { Device } from "./device.ts";
import { copyOf } from "./passed_on.ts";
import type { Surroundings } from "./world.ts";

export interface Fleet {
  readonly world: Surroundings;
  readonly recorder: Recorder;
  /** Partitions of each topic. */
  readonly partitions: number;
  /** Reports something wrong that the history does not show. */
  fault(kind: string, text: string): void;
}

function placeOf({ partition, offset }: RecordPlace): Place {
  return [partition, offset];
}

/** Records the outcome of an operation that threw. */
function failed({ recorder, fault }: Fleet, process: string, op: number, error: unknown): void {
  if (!(error instanceof WeirError)) {
    recorder.info(process, op, String(error));
    fault("threw", `${process}: ${error}`);
  } else if (error.effect === "none") recorder.fail(process, op, error.code);
  else recorder.info(process, op, error.code);
}

/** An application, which runs until its client is closed. */
export interface App {
  readonly name: string;
  readonly hasEnded: boolean;
  start(): Promise<void>;
  /** It crashed, and will not say so itself. */
  died(): void;
}

export function connectFrom(device: Device): Client {
  return connect("ws://sim", { platform: device });
}

export interface ProducingOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly idempotent: boolean;
  /** How many times longer than usual it waits between publishes. */
  readonly slowness?: number;
}

/**
 * Publishes, with a producer or without, without waiting for each answer before the next publish.
 */
export class Producing implements App {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #topics: readonly string[];
  readonly #producer: Producer | undefined;
  readonly #slowness: number;
  #number = 0;
  #sequence = 0;
  #open = 0;
  #finished = false;
  hasEnded = false;

  constructor(
    fleet: Fleet,
    client: Client,
    { name, topics, idempotent, slowness = 1 }: ProducingOptions,
  ) {
    this.#fleet = fleet;
    this.#client = client;
    this.name = name;
    this.#topics = topics;
    this.#slowness = slowness;
    this.#producer = idempotent ? client.producer() : undefined;
  }

  get isQuiet(): boolean {
    return this.#open === 0;
  }

  finish(): void {
    this.#finished = true;
  }

  died(): void {}

  async start(): Promise<void> {
    const { world } = this.#fleet;
    while (!this.#finished) {
      const ms = world.chance(0.8) ? world.between(0, 8) : world.between(50, 400);
      await world.sleep(ms * this.#slowness);
      if (this.#open < 200) this.#publish();
    }
    this.hasEnded = true;
  }

  async #publish(): Promise<void> {
    const { world, recorder, fault } = this.#fleet;
    const topic = world.pick(this.#topics);
    const records: RecordToPublish[] = Array.from(
      { length: 1 + Math.floor(world.random() * 3) },
      () => ({
        key: `k${Math.floor(world.random() * 12)}`,
        value: `${this.name}/${this.#number++}`,
      }),
    );
    const send: Send = {
      topic,
      values: records.map(({ value }) => String(value)),
      keys: records.map(({ key }) => key),
      // The client numbers what it sends itself, in the order of these calls.
      ...this.#producer
        ? { producer: { id: this.name, epoch: 0, sequence: this.#sequence++ } }
        : {},
    };
    this.#open++;
    const op = recorder.invoke(this.name, { f: "send", sends: [send] });
    try {
      const through = this.#producer ?? this.#client;
      const { places } = await through.publish(topic, records);
      recorder.ok(this.name, op, {
        places: [places.map(placeOf)],
      });
    } catch (error) {
      failed(this.#fleet, this.name, op, error);
      if (this.#producer) fault("given-up", `${send.values} of a producer: ${error}`);
    } finally {
      this.#open--;
    }
  }
}

/** Follows a topic: must get every record once, in order. */
export class Follower implements App {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #topic: string;
  readonly #next = new Map<number, number>();
  hasEnded = false;

  constructor(fleet: Fleet, client: Client, name: string, topic: string) {
    this.name = name;
    this.#fleet = fleet;
    this.#client = client;
    this.#topic = topic;
  }

  async start(): Promise<void> {
    const { world, recorder, partitions, fault } = this.#fleet;
    const topic = this.#topic;
    const capacity = { records: world.pick([1, 7, 100, 2_000]) };
    let from: Position | "earliest" = "earliest";
    for (let partition = 0; partition < partitions; partition++) this.#next.set(partition, 0);
    // Now and then the application itself restarts, from its position.
    while (!this.hasEnded) {
      recorder.told(this.name, {
        f: "subscribe",
        reader: this.name,
        topic,
        incarnation: from === "earliest" ? "" : from.incarnation,
        positions: [...this.#next],
      });
      const subscription: Subscription<string> = this.#client.subscribe<string>(topic, {
        from,
        capacity,
        onGap: (gap) => fault("gap", `${this.name}: ${JSON.stringify(gap)}`),
        onResume: ({ recovered, positions }) => {
          if (!recovered) fault("reset", `${this.name}: ${JSON.stringify(positions)}`);
        },
      });
      try {
        let left = world.chance(0.3) ? Math.floor(world.between(1, 300)) : Infinity;
        for await (const { partition, offset, value } of subscription) {
          const records = [[offset, value] as const];
          recorder.told(this.name, { f: "poll", reader: this.name, topic, partition, records });
          this.#next.set(partition, offset + 1);
          if (world.chance(0.02)) await world.sleep(world.between(0, 300));
          if (--left <= 0) break;
        }
        if (left > 0) this.hasEnded = true;
        // The batch at which the loop was left is not processed, as far as the client knows: it
        // comes again.
        const { position } = subscription;
        if (!position || position.positions.length === 0) continue;
        from = position;
        for (const { partition, offset } of position.positions) this.#next.set(partition, offset);
      } catch (error) {
        fault("threw", `${this.name}: ${error}`);
        this.hasEnded = true;
      }
    }
  }

  died(): void {
    const { recorder } = this.#fleet;
    recorder.told(this.name, { f: "unsubscribe", reader: this.name, topic: this.#topic });
  }

  /** Whether it has received a partition up to this end. */
  hasAll(topic: string, partition: number, end: number): boolean {
    return topic !== this.#topic || (this.#next.get(partition) ?? 0) >= end;
  }
}

export interface MemberOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly instance?: false;
}

/** Records what a consumer tells of its partitions. */
function tellingOf({ recorder }: Fleet, member: string, group: string) {
  return {
    onAssign: (given: readonly Assigned[]): void =>
      recorder.told(member, {
        f: "assign",
        group,
        member,
        partitions: given.map(({ topic, partition, offset, incarnation }) =>
          [topic, partition, offset, incarnation] as const
        ),
      }),
    onRevoke: (gone: readonly TopicPartition[], { lost }: { readonly lost: boolean }): void =>
      recorder.told(member, {
        f: "revoke",
        group,
        member,
        lost,
        partitions: gone.map(({ topic, partition }) => [topic, partition] as const),
      }),
  };
}

/** A member of a group that commits, explicitly or automatically. */
export class Worker implements App {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #options: MemberOptions;
  /** What it owns, by partition: the next position. */
  readonly #owned = new Map<string, CommitPosition>();
  /** How far it got in each partition, whether it still owns it or not. */
  readonly #reached = new Map<string, number>();
  hasEnded = false;

  constructor(fleet: Fleet, client: Client, name: string, options: MemberOptions) {
    this.name = name;
    this.#fleet = fleet;
    this.#client = client;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { world, recorder, fault } = this.#fleet;
    const { group, topics, instance } = this.#options;
    const byHand = world.chance(0.5);
    const telling = tellingOf(this.#fleet, this.name, group);
    const consumer = this.#client.consume<string>(topics, {
      group,
      ...(instance === false ? { instance } : { sessionTimeoutMs: 2_000 }),
      ...(byHand ? { autoCommitMs: false } : {}),
      capacity: { records: world.pick([3, 50, 2_000]) },
      revokeTimeoutMs: 1_500,
      onGap: ({ topic, partition, from, to, reason }) =>
        recorder.told(this.name, {
          f: "gap",
          reader: this.name,
          topic,
          partition,
          from,
          to,
          reason,
        }),
      onAssign: (given) => {
        for (const { topic, partition, offset } of given) {
          this.#owned.set(`${topic}/${partition}`, [topic, partition, offset]);
        }
        telling.onAssign(given);
      },
      onRevoke: (gone, why) => {
        for (const { topic, partition } of gone) this.#owned.delete(`${topic}/${partition}`);
        telling.onRevoke(gone, why);
      },
    });
    try {
      for await (const { topic, partition, offset, value } of consumer) {
        const records = [[offset, value] as const];
        recorder.told(this.name, { f: "poll", reader: this.name, topic, partition, records });
        if (world.chance(0.05)) await world.sleep(world.between(0, 60));
        this.#dealtWith(topic, partition, offset);
        if (byHand && world.chance(0.2)) this.#commit(consumer);
      }
    } catch (error) {
      fault("threw", `the loop of ${this.name}: ${error}`);
    }
    this.hasEnded = true;
  }

  died(): void {
    const { name } = this;
    this.#fleet.recorder.told(name, { f: "left", group: this.#options.group, member: name });
  }

  /** Whether it owns a partition, as far as it has been told. */
  owns(topic: string, partition: number): boolean {
    return this.#owned.has(`${topic}/${partition}`);
  }

  /** Whether it has processed a partition up to this end. */
  reached(topic: string, partition: number, end: number): boolean {
    return (this.#reached.get(`${topic}/${partition}`) ?? 0) >= end;
  }

  #dealtWith(topic: string, partition: number, offset: number): void {
    const name = `${topic}/${partition}`;
    const next = offset + 1;
    if (this.#owned.has(name)) this.#owned.set(name, [topic, partition, next]);
    this.#reached.set(name, Math.max(next, this.#reached.get(name) ?? 0));
  }

  async #commit(consumer: Consumer<string>): Promise<void> {
    const { world, recorder } = this.#fleet;
    if (this.#owned.size === 0) return;
    const [topic, partition, offset] = world.pick([...this.#owned.values()]);
    if (!consumer.partitions.some((one) => one.topic === topic && one.partition === partition)) {
      return;
    }
    const commit = commitOf(this.#options.group, this.name, [topic, partition, offset]);
    const op = recorder.invoke(this.name, { f: "commit", commit });
    try {
      await consumer.commit([{ topic, partition, offset }]);
      recorder.ok(this.name, op);
    } catch (error) {
      failed(this.#fleet, this.name, op, error);
    }
  }
}

function commitOf(group: string, member: string, position: CommitPosition): Commit {
  return { group, member, offsets: [position] };
}

export interface PasserOptions {
  readonly group: string;
  readonly topic: string;
  readonly into: string;
  /** How many records it may be given: at most twice as many as it passes on at once. */
  readonly atOnce?: number;
}

/** Passes records on in transactions: each must appear once. */
export class Passer implements App {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #options: PasserOptions;
  #consumer: Consumer<string> | undefined;
  #copies = 0;
  hasEnded = false;

  constructor(fleet: Fleet, client: Client, name: string, options: PasserOptions) {
    this.name = name;
    this.#fleet = fleet;
    this.#client = client;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { fault, recorder } = this.#fleet;
    const { group, topic, atOnce } = this.#options;
    const producer = this.#client.producer();
    const consumer = this.#client.consume<string>(topic, {
      group,
      autoCommitMs: false,
      sessionTimeoutMs: 2_000,
      ...atOnce === undefined ? {} : { capacity: { records: atOnce } },
      ...tellingOf(this.#fleet, this.name, group),
    });
    this.#consumer = consumer;
    try {
      for await (const batch of consumer.batches()) {
        const { partition, next } = batch;
        const records = batch.records.map(({ offset, value }) => [offset, value] as const);
        recorder.told(this.name, { f: "poll", reader: this.name, topic, partition, records, next });
        await this.#pass(producer, consumer, batch);
      }
    } catch (error) {
      fault("threw", `the loop of ${this.name}: ${error}`);
    }
    this.hasEnded = true;
  }

  died(): void {
    const { name } = this;
    this.#fleet.recorder.told(name, { f: "left", group: this.#options.group, member: name });
  }

  /** Whether it owns a partition, as far as it has been told. */
  owns(topic: string, partition: number): boolean {
    const owned = this.#consumer?.partitions ?? [];
    return owned.some((one) => one.topic === topic && one.partition === partition);
  }

  async #pass(
    producer: Producer,
    consumer: Consumer<string>,
    { partition, records, next }: RecordBatch<string>,
  ): Promise<void> {
    const { recorder } = this.#fleet;
    const { group, topic, into } = this.#options;
    const copies = records.map(({ value }) => ({
      value: copyOf(value, `${this.name}.${this.#copies++}`),
    }));
    const sends = [{ topic: into, values: copies.map(({ value }) => value) }];
    const commit = commitOf(group, this.name, [topic, partition, next]);
    const op = recorder.invoke(this.name, { f: "send", sends, commit });
    try {
      const published = await this.#client.transact([{ topic: into, records: copies }], {
        commit: { consumer, offsets: [{ topic, partition, offset: next }] },
        producer,
      });
      recorder.ok(this.name, op, { places: published.map(({ places }) => places.map(placeOf)) });
    } catch (error) {
      failed(this.#fleet, this.name, op, error);
      // Another member owns the partition and begins where this one would; otherwise it would be
      // skipped.
      if (!(error instanceof WeirError) || error.retry !== "rejoin") throw error;
    }
  }
}
