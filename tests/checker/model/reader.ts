/** Follows a topic in the made-up world, and resumes at its position. */

import { Connection } from "./connection.ts";
import type { ModelPartition, ModelTopic } from "./store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ReaderOptions {
  readonly name: string;
  readonly topic: string;
  readonly from: "earliest" | "latest";
  readonly filtered: boolean;
  readonly paceMs: number;
}

/** Records that reach a reader at once, at most. */
const BATCH = 6;
/** The same after healing, so that they catch up. */
const LARGE_BATCH = 200;
/** How long a token is good for, and when before its end it is renewed. */
const TOKEN_MS = 400;
const RENEWAL_MS = 100;

export class Reader {
  readonly #world: Surroundings;
  readonly #options: ReaderOptions;
  #connection: Connection;
  /** The client's view. */
  #incarnation: string | undefined;
  readonly #expected = new Map<number, number>();
  /** The gateway's view, on this connection. */
  #followed: ModelTopic | undefined;
  readonly #positions = new Map<number, number>();
  #hasEnded = false;
  /** When its token expires. */
  #until = 0;

  constructor(world: Surroundings, options: ReaderOptions) {
    this.#world = world;
    this.#options = options;
    this.#connection = new Connection(world, options.name);
  }

  start(): void {
    this.#renew();
    this.#subscribe();
    this.#pace();
  }

  cut(): void {
    if (this.#hasEnded) return;
    this.#connection.cut();
    this.#connection = new Connection(this.#world, this.#options.name);
    this.#subscribe();
  }

  end(): void {
    const { name: reader, topic } = this.#options;
    this.#connection.cut();
    this.#hasEnded = true;
    this.#world.recorder.told(reader, { f: "unsubscribe", reader, topic });
  }

  #pace(): void {
    const { timeline, chance } = this.#world;
    timeline.after(chance.between(0.1, 2 * this.#options.paceMs), () => {
      if (this.#hasEnded) return;
      if (timeline.now > this.#until - RENEWAL_MS) this.#renew();
      this.#push();
      this.#pace();
    });
  }

  #renew(): void {
    const { recorder, timeline } = this.#world;
    const { name, topic } = this.#options;
    this.#until = timeline.now + TOKEN_MS;
    recorder.told(name, { f: "grant", read: [topic], write: [], groups: [], until: this.#until });
  }

  #subscribe(): void {
    const { store } = this.#world;
    const { topic } = this.#options;
    this.#followed = undefined;
    this.#positions.clear();
    const asked = new Map(this.#expected);
    const incarnation = this.#incarnation;
    const connection = this.#connection;
    connection.send(() => {
      if (connection !== this.#connection) return;
      const found = store.topic(topic);
      this.#followed = found;
      const recovered = this.#begin(found, incarnation, asked);
      const positions = [...this.#positions];
      connection.tell(() => this.#begun(found.incarnation, positions, recovered));
    });
  }

  /** Where the gateway begins, and whether that is the requested position, if there was one. */
  #begin(
    { incarnation, partitions }: ModelTopic,
    asked: string | undefined,
    positions: ReadonlyMap<number, number>,
  ): boolean | undefined {
    let recovered = incarnation === asked;
    for (const [partition, { start, values }] of partitions.entries()) {
      const first = this.#options.from === "earliest" ? start : values.length;
      const wanted = positions.get(partition);
      if (asked === undefined) {
        this.#positions.set(partition, first);
      } else if (incarnation === asked && wanted !== undefined && wanted >= start) {
        this.#positions.set(partition, wanted);
      } else {
        recovered = false;
        this.#positions.set(partition, start);
      }
    }
    return asked === undefined ? undefined : recovered;
  }

  #begun(
    incarnation: string,
    positions: readonly [number, number][],
    recovered: boolean | undefined,
  ): void {
    const { name: reader, topic, filtered } = this.#options;
    this.#incarnation = incarnation;
    for (const [partition, offset] of positions) this.#expected.set(partition, offset);
    this.#world.recorder.told(reader, {
      f: "subscribe",
      reader,
      topic,
      incarnation,
      positions,
      ...(recovered === undefined ? {} : { recovered }),
      ...(filtered ? { filtered } : {}),
    });
  }

  #push(): void {
    const { store } = this.#world;
    const followed = this.#followed;
    if (!followed) return;
    // The topic was deleted: the subscription ends, and the client subscribes to the new one.
    if (store.topics.get(followed.name) !== followed) return this.cut();
    for (const [number, partition] of followed.partitions.entries()) {
      this.#pushOf(number, partition);
    }
  }

  #pushOf(number: number, { start, values }: ModelPartition): void {
    const { chance, isHealed } = this.#world;
    const position = this.#positions.get(number) ?? 0;
    if (position < start) return this.#skip(number, position, start, "trimmed");
    const next = Math.min(values.length, position + (isHealed() ? LARGE_BATCH : BATCH));
    if (next === position) return;
    if (!isHealed() && values.length - position > 3 && chance.chance(0.01)) {
      return this.#skip(number, position, values.length, "slow");
    }
    this.#positions.set(number, next);
    const records = values.slice(position, next)
      .map((value, i) => [position + i, value] as const)
      .filter(([offset]) => !this.#options.filtered || offset % 3 === 0);
    if (records.length === 0) return;
    const { name: reader, topic } = this.#options;
    this.#connection.tell(() => {
      this.#expected.set(number, next);
      const poll = { f: "poll", reader, topic, partition: number, records } as const;
      // It is told the next offset if that does not follow from the records, and sometimes
      // otherwise.
      const told = this.#options.filtered || next % 2 === 0 ? { next } : {};
      this.#world.recorder.told(reader, { ...poll, ...told });
    });
  }

  #skip(partition: number, from: number, to: number, reason: "trimmed" | "slow"): void {
    const { name: reader, topic } = this.#options;
    this.#positions.set(partition, to);
    this.#connection.tell(() => {
      this.#expected.set(partition, to);
      this.#world.recorder.told(reader, { f: "gap", reader, topic, partition, from, to, reason });
    });
  }
}
