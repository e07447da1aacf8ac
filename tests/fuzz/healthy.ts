/**
 * A client that does nothing wrong, all the while: it publishes one record after the other and follows
 * them, on one socket that must not close. What the others do must not stop it.
 */

import { Client } from "../support/client.ts";
import type { Producer, Stamp } from "../support/frames.ts";
import type { Gateway } from "../support/gateway.ts";

const TOPIC = "healthy";
const EVERY_MS = 50;
const CREDIT = 500;
/** After so long it is not well. Long, since the machine may have more to do. */
const PATIENCE_MS = 30_000;
/** So often a publish is tried that the gateway could not carry out in time, on such a machine. */
const ATTEMPTS = 10;

export class Healthy {
  /** From the publish until the record was here, in milliseconds. */
  readonly took: number[] = [];
  /** Publishes that had to be tried again. */
  refused = 0;
  /** The longest that this process, which is busy with the others, kept it waiting: not the gateway's. */
  lateMs = 0;
  /** Why it is not well; undefined while it is. */
  fault: string | undefined;
  readonly #client: Client;
  #stopped = false;
  #going: Promise<void> | undefined;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Before the others begin. */
  static async start(gateway: Gateway): Promise<Healthy> {
    const client = await Client.open(gateway);
    const { producer } = await client.initProducer();
    const { subscription } = await client.subscribe(TOPIC, { credit: { records: CREDIT } });
    const healthy = new Healthy(client);
    healthy.#going = healthy.#go(producer, subscription);
    return healthy;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
    try {
      await this.#client.close();
    } catch (error) {
      this.fault ??= String(error);
    }
  }

  async #go(producer: Producer, subscription: number): Promise<void> {
    try {
      for (let number = 0; !this.#stopped; number++) {
        const begun = performance.now();
        await this.#publish(number, { ...producer, sequence: number });
        const records = await this.#client.when(
          () => {
            const delivered = this.#client.delivered(subscription);
            return delivered.length > number && delivered;
          },
          `record ${number}`,
          PATIENCE_MS,
        );
        this.took.push(performance.now() - begun);
        const { value } = records[number]!;
        if (value !== number) throw new Error(`${value} came in the place of ${number}`);
        if (number % CREDIT === CREDIT - 1) {
          this.#client.send({ type: "credit", subscription, records: CREDIT });
        }
        const paused = performance.now();
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
        this.lateMs = Math.max(this.lateMs, performance.now() - paused - EVERY_MS);
      }
    } catch (error) {
      this.fault = `the healthy client is not well: ${error}`;
    }
  }

  /** Publishes until it is acknowledged: what may be tried again is, under the same number. */
  async #publish(value: number, producer: Stamp): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const id = this.#client.id();
      const records = [{ key: "k", value }];
      this.#client.send({ type: "publish", id, topic: TOPIC, records, producer });
      const reply = await this.#client.when(
        () => this.#client.seen.findLast((frame) => frame.id === id),
        `the reply to record ${value}`,
        PATIENCE_MS,
      );
      if (reply.type === "ok") return;
      if (reply["retry"] !== "same") throw new Error(`refused with ${JSON.stringify(reply)}`);
      this.refused++;
    }
    throw new Error(`record ${value} was refused ${ATTEMPTS} times`);
  }
}
