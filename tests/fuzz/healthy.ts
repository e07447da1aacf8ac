/**
 * A client that does nothing wrong, all the while: it publishes one record after the other and follows
 * them, on one socket that must not close. What the others do must not stop it.
 */

import { Client } from "../support/client.ts";
import type { Gateway } from "../support/gateway.ts";

const TOPIC = "healthy";
const EVERY_MS = 50;
const CREDIT = 500;
/** After so long it is not well. Long, since the machine may have more to do. */
const PATIENCE_MS = 30_000;

export class Healthy {
  /** From the publish until the record was here, in milliseconds. */
  readonly took: number[] = [];
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

  static async start(gateway: Gateway): Promise<Healthy> {
    const healthy = new Healthy(await Client.open(gateway));
    healthy.#going = healthy.#go();
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

  async #go(): Promise<void> {
    try {
      const { subscription } = await this.#client.subscribe(TOPIC, { credit: { records: CREDIT } });
      for (let number = 0; !this.#stopped; number++) {
        const begun = performance.now();
        const id = this.#client.id();
        this.#client.send({ type: "publish", id, topic: TOPIC, records: [{ value: number }] });
        const records = await this.#client.when(
          () => {
            const delivered = this.#client.delivered(subscription);
            return delivered.length > number && delivered;
          },
          `record ${number}`,
          PATIENCE_MS,
        );
        this.took.push(performance.now() - begun);
        await this.#client.when(
          () => this.#client.seen.findLast((frame) => frame.id === id && frame.type === "ok"),
          `the reply to record ${number}`,
          PATIENCE_MS,
        );
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
}
