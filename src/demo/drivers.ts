/**
 * The drivers: every fix is a publish, by an idempotent producer for each socket. Their traffic
 * decides which fixes are due when.
 */

import { type Client, connect, type Producer } from "../client/mod.ts";
import type { Fix, Traffic } from "./fixes.ts";
import { pause } from "./pause.ts";

/** How often due fixes are sent. */
const TICK_MS = 20;

export class Drivers {
  readonly #topic: string;
  readonly #clients: readonly Client[];
  readonly #producers: readonly Producer[];
  readonly #producerOf = new Map<string, Producer>();
  #failure: unknown;
  published = 0;
  acknowledged = 0;

  constructor(urls: readonly string[], topic: string, sockets: number) {
    const client = { name: "driver", version: "0.1.0" };
    this.#topic = topic;
    this.#clients = Array.from(
      { length: sockets },
      (_, i) => connect(urls[i % urls.length] ?? "", { client }),
    );
    this.#producers = this.#clients.map((client) => client.producer());
  }

  /** Sends what is due at its time, `speed` times as fast as it was driven, until it is over. */
  async drive(
    traffic: Traffic,
    { speed, signal, onFix }: { speed: number; signal?: AbortSignal; onFix?: (fix: Fix) => void },
  ): Promise<void> {
    const begun = performance.now();
    while (!traffic.isOver && !signal?.aborted) {
      for (const fix of traffic.take((performance.now() - begun) / 1_000 * speed)) {
        const producer = this.#producer(fix.driver);
        await producer.ready;
        onFix?.(fix);
        this.#publish(producer, fix);
      }
      if (this.#failure !== undefined) throw this.#failure;
      await pause(TICK_MS);
    }
  }

  /** Resolves when everything published is acknowledged. */
  async flush(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.flush()));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #publish(producer: Producer, { driver, ...value }: Fix): void {
    this.published++;
    producer.publish(this.#topic, { key: driver, value }).then(
      () => this.acknowledged++,
      (error) => this.#failure ??= error,
    );
  }

  /** Each driver stays with one socket, so that its fixes keep their order. */
  #producer(driver: string): Producer {
    const known = this.#producerOf.get(driver);
    if (known) return known;
    const producer = this.#producers[this.#producerOf.size % this.#producers.length];
    if (!producer) throw new Error("There is no socket to publish on");
    this.#producerOf.set(driver, producer);
    return producer;
  }
}
