/**
 * Background work of the log, one thing at a time and at a bounded rate: retention, snapshots,
 * expiry of producers, and freeing the space of deleted topics. It is driven by `tick`, and has no
 * timers but for its pauses.
 */

import type { Host } from "../host/host.ts";
import { LOG } from "../limits.ts";
import type { Store } from "../store/store.ts";
import type { Topic } from "../types.ts";
import type { Log } from "./log.ts";
import { retain } from "./retention.ts";
import { takeSnapshot } from "./snapshots.ts";
import type { Stripe } from "./stripe.ts";
import { Sweeper } from "./sweeper.ts";

export class Upkeep {
  readonly #store: Store;
  readonly #host: Host;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #working: Promise<void> | undefined;
  #due = 0;
  readonly #sweeper: Sweeper;

  constructor(store: Store, host: Host, log: Log) {
    this.#store = store;
    this.#host = host;
    this.#log = log;
    this.#sweeper = new Sweeper(store, host);
    log.topics.onRemoved(() => this.#sweeper.wake());
  }

  /** `now` is on the monotonic clock. */
  tick(now: number): void {
    if (now < this.#due || this.#working) return;
    this.#due = now + LOG.retentionEveryMs;
    this.#working = this.#pass()
      .catch((error) =>
        this.#host.telemetry.report("warn", "Upkeep of the log failed and will be tried again", {
          error,
        })
      )
      .finally(() => this.#working = undefined);
  }

  /** Resolves when the current work has reached a point where it can stop. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  async #pass(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#sweeper.sweep(signal);
    for (const { stripes } of this.#log.loaded()) {
      for (const stripe of stripes) await this.#maintain(stripe);
    }
    for (const topic of await this.#log.topics.list()) {
      // If there is more to trim, the next pass follows at once.
      if (!signal.aborted && await this.#retain(topic)) this.#due = -Infinity;
    }
  }

  async #maintain(stripe: Stripe): Promise<void> {
    stripe.dedupe.forget(this.#host.clock.now(), LOG.forgetProducers);
    // The larger the snapshot, the more of the log must have been appended for a new one to be
    // worth it.
    const due = Math.max(LOG.snapshotBytes, 2 * stripe.snapshotBytes);
    if (stripe.bytesToReplay >= due && !this.#stopping.signal.aborted) await this.#snapshot(stripe);
  }

  async #retain(topic: Topic): Promise<boolean> {
    if (topic.retentionMs === undefined && topic.retentionBytes === undefined) return false;
    const { stripes } = await this.#log.open(topic);
    return await retain(this.#store, this.#host, {
      topic,
      stripes,
      snapshot: (stripe) => this.#snapshot(stripe),
    }, this.#stopping.signal);
  }

  async #snapshot(stripe: Stripe): Promise<void> {
    const replayed = stripe.bytesToReplay;
    const { bytes, replayFrom } = await takeSnapshot(this.#store, this.#host, stripe);
    stripe.replayFrom = replayFrom;
    stripe.snapshotBytes = bytes;
    stripe.bytesToReplay -= replayed;
  }
}
