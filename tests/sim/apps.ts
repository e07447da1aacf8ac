/** Applications that use the client, and write down what it tells them. */

import {
  type Client,
  connect,
  type Consumer,
  type Position,
  type Producer,
  type RecordToPublish,
  type Subscription,
  WeirError,
} from "../../src/client/mod.ts";
import type { Device } from "./device.ts";
import type { Ledger } from "./ledger.ts";
import type { Surroundings } from "./world.ts";

export interface Fleet {
  readonly world: Surroundings;
  readonly ledger: Ledger;
}

export function connectFrom(device: Device): Client {
  return connect("ws://sim", { platform: device });
}

/** Publishes, with a producer or without, and does not wait for one answer before the next. */
export class Producing {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #topics: readonly string[];
  readonly #producer: Producer | undefined;
  #number = 0;
  #open = 0;
  #finished = false;
  hasEnded = false;

  constructor(
    fleet: Fleet,
    client: Client,
    { name, topics, idempotent }: { name: string; topics: readonly string[]; idempotent: boolean },
  ) {
    this.#fleet = fleet;
    this.#client = client;
    this.name = name;
    this.#topics = topics;
    this.#producer = idempotent ? client.producer() : undefined;
  }

  get isQuiet(): boolean {
    return this.#open === 0;
  }

  finish(): void {
    this.#finished = true;
  }

  async start(): Promise<void> {
    const { world } = this.#fleet;
    while (!this.#finished) {
      await world.sleep(world.chance(0.8) ? world.between(0, 8) : world.between(50, 400));
      if (this.#open < 200) this.#publish();
    }
    this.hasEnded = true;
  }

  async #publish(): Promise<void> {
    const { world, ledger } = this.#fleet;
    const topic = world.pick(this.#topics);
    const records: RecordToPublish[] = Array.from(
      { length: 1 + Math.floor(world.random() * 3) },
      () => ({
        key: `k${Math.floor(world.random() * 12)}`,
        value: `${this.name}/${this.#number++}`,
      }),
    );
    const values = records.map(({ value }) => String(value));
    this.#open++;
    ledger.begun(topic, this.#producer ? this.name : undefined, records);
    try {
      const through = this.#producer ?? this.#client;
      const { places } = await through.publish(topic, records);
      ledger.acknowledged(topic, values, places);
    } catch (error) {
      if (!(error instanceof WeirError)) return ledger.violation(`${this.name}: ${error}`);
      ledger.refused(values, error);
    } finally {
      this.#open--;
    }
  }
}

/** Follows a topic: must get every record once and in order. */
export class Follower {
  readonly name: string;
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #topic: string;
  readonly #next = new Map<number, number>();
  hasEnded = false;

  constructor(fleet: Fleet, client: Client, topic: string) {
    this.name = `follower of ${topic}`;
    this.#fleet = fleet;
    this.#client = client;
    this.#topic = topic;
  }

  async start(): Promise<void> {
    const { world, ledger } = this.#fleet;
    const capacity = { records: world.pick([1, 7, 100, 2_000]) };
    let from: Position | "earliest" = "earliest";
    // Now and then the application itself starts again, from where it stood.
    while (!this.hasEnded) {
      const subscription: Subscription<string> = this.#client.subscribe<string>(this.#topic, {
        from,
        capacity,
        onGap: (gap) => ledger.violation(`${this.name}: ${JSON.stringify(gap)}`),
        onResume: ({ recovered, positions }) => {
          if (!recovered) ledger.violation(`${this.name}: ${JSON.stringify(positions)}`);
        },
      });
      try {
        let left = world.chance(0.3) ? Math.floor(world.between(1, 300)) : Infinity;
        for await (const { partition, offset, value } of subscription) {
          const expected = this.#next.get(partition) ?? 0;
          if (offset !== expected) {
            ledger.violation(`${this.name} got ${partition}/${offset}, not ${expected}`);
          }
          ledger.read(this.#topic, partition, offset, value);
          this.#next.set(partition, offset + 1);
          if (world.chance(0.02)) await world.sleep(world.between(0, 300));
          if (--left <= 0) break;
        }
        if (left > 0) this.hasEnded = true;
        // What the loop was left at is not dealt with, as far as the client knows: it comes again.
        const { position } = subscription;
        if (!position || position.positions.length === 0) continue;
        from = position;
        for (const { partition, offset } of position.positions) this.#next.set(partition, offset);
      } catch (error) {
        ledger.violation(`${this.name}: ${error}`);
        this.hasEnded = true;
      }
    }
  }

  /** Whether everything of a partition that ends there has come. */
  hasAll(topic: string, partition: number, end: number): boolean {
    return topic !== this.#topic || (this.#next.get(partition) ?? 0) >= end;
  }

  /** It was closed after everything had come. */
  check(): void {
    const { ledger } = this.#fleet;
    for (const [partition, end] of ledger.ends(this.#topic)) {
      const next = this.#next.get(partition) ?? 0;
      if (next < end) ledger.violation(`${this.name} came to ${partition}/${next} of ${end}`);
    }
  }
}

/** A member of a group that commits, by itself or as the client does it. */
export class Worker {
  readonly name = "worker";
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #options: { group: string; topics: readonly string[]; instance: false | undefined };
  /** `topic/partition` → offsets that were dealt with. */
  readonly dealt = new Map<string, Set<number>>();
  /** What it has committed of what it owns. */
  readonly #committed = new Map<string, number>();
  hasEnded = false;

  constructor(
    fleet: Fleet,
    client: Client,
    options: { group: string; topics: readonly string[]; instance: false | undefined },
  ) {
    this.#fleet = fleet;
    this.#client = client;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { world, ledger } = this.#fleet;
    const { group, topics, instance } = this.#options;
    const byHand = world.chance(0.5);
    /** Since the partition was given last: what must come next. */
    const expected = new Map<string, number>();
    const consumer = this.#client.consume<string>(
      topics,
      {
        group,
        ...(instance === false ? { instance } : {}),
        ...(byHand ? { autoCommitMs: false } : {}),
        capacity: { records: world.pick([3, 50, 2_000]) },
        sessionTimeoutMs: instance === false ? undefined : 2_000,
        revokeTimeoutMs: 1_500,
        onAssign: (partitions) => {
          for (const { topic, partition, offset } of partitions) {
            expected.set(`${topic}/${partition}`, offset);
            this.#committed.delete(`${topic}/${partition}`);
          }
        },
        onRevoke: (partitions) => {
          for (const { topic, partition } of partitions) expected.delete(`${topic}/${partition}`);
        },
      } as Parameters<Client["consume"]>[1],
    );
    try {
      for await (const { topic, partition, offset, value } of consumer) {
        const name = `${topic}/${partition}`;
        if (expected.get(name) !== undefined && expected.get(name) !== offset) {
          ledger.violation(`a worker got ${name}/${offset}, not ${expected.get(name)}`);
        }
        if (offset < (this.#committed.get(name) ?? 0)) {
          ledger.violation(`${name}/${offset} came again to the one that had committed it`);
        }
        if (expected.has(name)) expected.set(name, offset + 1);
        ledger.read(topic, partition, offset, value);
        if (world.chance(0.05)) await world.sleep(world.between(0, 60));
        this.#dealtWith(name, offset);
        if (byHand && world.chance(0.2)) this.#commit(consumer, expected);
      }
    } catch (error) {
      ledger.violation(`a worker's loop threw ${error}`);
    }
    this.hasEnded = true;
  }

  #dealtWith(name: string, offset: number): void {
    let offsets = this.dealt.get(name);
    if (!offsets) this.dealt.set(name, offsets = new Set());
    offsets.add(offset);
  }

  async #commit(
    consumer: Consumer<string>,
    expected: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { ledger, world } = this.#fleet;
    if (expected.size === 0) return;
    const [name, offset] = world.pick([...expected]);
    const slash = name.lastIndexOf("/");
    const topic = name.slice(0, slash);
    const partition = Number(name.slice(slash + 1));
    if (!consumer.partitions.some((one) => one.topic === topic && one.partition === partition)) {
      return;
    }
    try {
      await consumer.commit([{ topic, partition, offset }]);
      ledger.counts.committed++;
      if (expected.get(name) === undefined) return;
      this.#committed.set(name, Math.max(offset, this.#committed.get(name) ?? 0));
    } catch (error) {
      if (!(error instanceof WeirError)) ledger.violation(`commit: ${error}`);
    }
  }
}

/** Passes records on in transactions: each must come out once. */
export class Passer {
  readonly name = "passer";
  readonly #fleet: Fleet;
  readonly #client: Client;
  readonly #options: { group: string; topic: string; into: string; atOnce?: number };
  hasEnded = false;

  /** `atOnce`: how many records it may be given, at most twice as many as it passes on at once. */
  constructor(
    fleet: Fleet,
    client: Client,
    options: { group: string; topic: string; into: string; atOnce?: number },
  ) {
    this.#fleet = fleet;
    this.#client = client;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { ledger } = this.#fleet;
    const { group, topic, into, atOnce } = this.#options;
    const producer = this.#client.producer();
    const consumer = this.#client.consume<string>(topic, {
      group,
      autoCommitMs: false,
      sessionTimeoutMs: 2_000,
      ...atOnce === undefined ? {} : { capacity: { records: atOnce } },
    });
    try {
      for await (const { partition, records, next } of consumer.batches()) {
        const copies = records.map(({ value }) => ({ value: `copy of ${value}` }));
        const commit = { consumer, offsets: [{ topic, partition, offset: next }] };
        try {
          await this.#client.transact([{ topic: into, records: copies }], { commit, producer });
          ledger.passed(copies.length);
        } catch (error) {
          // Others have the partition, and begin where this one would have: else it would be skipped.
          if (!(error instanceof WeirError) || error.retry !== "rejoin") throw error;
          ledger.counts.transactionsRefused++;
        }
      }
    } catch (error) {
      ledger.violation(`a passer's loop threw ${error}`);
    }
    this.hasEnded = true;
  }
}
