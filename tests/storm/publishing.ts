/**
 * Records at a steady rate, all the time, by producers that come to the gateways as the others do.
 * A key has one producer, which numbers its records. It counts what was acknowledged, and for how
 * long nothing was.
 */

import { type Client, connect, type Producer } from "../../src/client/mod.ts";
import { repeatedly } from "../../src/demo/repeatedly.ts";
import { Chance } from "../support/chance.ts";
import { BALANCED_URL, type Balancer } from "./balancer.ts";
import type { Numbered } from "./follower.ts";

const PRODUCERS = 4;
/** Records that are due at the same time share their producers' frames. */
const TICK_MS = 100;

export interface PublishingOptions {
  readonly topic: string;
  readonly keys: readonly string[];
  readonly perSecond: number;
  readonly balancer: Balancer;
  readonly seed: number;
}

/** The longest times without an acknowledgement, in milliseconds. */
export interface Standstill {
  /** Of one producer. */
  one: number;
  /** Of all of them together. */
  all: number;
}

interface Publisher {
  readonly client: Client;
  readonly producer: Producer;
  acknowledgedAt: number;
}

export class Publishing {
  readonly #options: PublishingOptions;
  readonly #chance: Chance;
  readonly #publishers: readonly Publisher[];
  /** By key: how many were published, and how many acknowledged. */
  readonly #published = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  /** Publishes that were refused for good, or of which nobody knows. */
  refused = 0;
  unanswered = 0;
  #standstill: Standstill = { one: 0, all: 0 };
  #acknowledgedAt = 0;
  #stop: () => Promise<void> = () => Promise.resolve();

  constructor(options: PublishingOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#publishers = Array.from({ length: PRODUCERS }, () => {
      const client = connect(BALANCED_URL, { platform: options.balancer.platform() });
      return { client, producer: client.producer(), acknowledgedAt: 0 };
    });
  }

  start(): void {
    const begun = performance.now();
    this.#acknowledgedAt = begun;
    for (const publisher of this.#publishers) publisher.acknowledgedAt = begun;
    let count = 0;
    this.#stop = repeatedly(TICK_MS, () => {
      const due = (performance.now() - begun) / 1_000 * this.#options.perSecond;
      for (; count < due; count++) this.#publish();
    });
  }

  /** Publishes no more; what is unanswered will be answered. */
  finish(): Promise<void> {
    return this.#stop();
  }

  async close(): Promise<void> {
    await this.#stop();
    await Promise.all(this.#publishers.map(({ client }) => client.close()));
  }

  acknowledged(key: string): number {
    return this.#acknowledged.get(key) ?? 0;
  }

  get total(): number {
    return [...this.#acknowledged.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The longest since `beginStandstill`. */
  get standstill(): Standstill {
    const now = performance.now();
    for (const publisher of this.#publishers) this.#stood(publisher, now);
    return this.#standstill;
  }

  beginStandstill(): void {
    this.#standstill = { one: 0, all: 0 };
  }

  async #publish(): Promise<void> {
    const { topic, keys } = this.#options;
    const at = Math.floor(this.#chance.random() * keys.length);
    const key = keys[at] as string;
    const publisher = this.#publishers[at % this.#publishers.length] as Publisher;
    const number = this.#published.get(key) ?? 0;
    this.#published.set(key, number + 1);
    const value: Numbered = { number, at: Date.now() };
    this.unanswered++;
    try {
      await publisher.producer.publish(topic, { key, value });
    } catch {
      this.refused++;
      return;
    } finally {
      this.unanswered--;
    }
    this.#acknowledged.set(key, this.acknowledged(key) + 1);
    const now = performance.now();
    this.#stood(publisher, now);
    publisher.acknowledgedAt = this.#acknowledgedAt = now;
  }

  #stood(publisher: Publisher, now: number): void {
    const { one, all } = this.#standstill;
    this.#standstill = {
      one: Math.max(one, now - publisher.acknowledgedAt),
      all: Math.max(all, now - this.#acknowledgedAt),
    };
  }
}
