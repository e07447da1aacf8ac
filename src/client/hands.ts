/**
 * The batch that the loop of a consumer is processing, at most one at a time, and how far it is.
 * Records do not count as processed if the partition was lost or sought elsewhere meanwhile. Pure.
 */

import type { Arrived, RecordBatch } from "./batch.ts";
import type { OffsetToCommit } from "./commits.ts";
import type { Capacity } from "./flow.ts";
import type { Intake } from "./intake.ts";
import type { Owned, Ownership } from "./ownership.ts";

/** Newly assigned partitions, in the queue before their records. */
export interface Begun {
  readonly kind: "begun";
  readonly partitions: readonly Owned[];
}

/** The batch that the loop is processing. */
export interface Hand<Value> {
  readonly owned: Owned;
  readonly batch: RecordBatch<Value>;
  readonly cost: Capacity;
  /** The offset after the last record that the loop was given. */
  given: number;
  /** The reader has sought elsewhere meanwhile, or the partition was lost. */
  isVoid: boolean;
}

export class Hands<Value> {
  readonly #ownership: Ownership;
  readonly #intake: Intake<Value, Begun>;
  #hand: Hand<Value> | undefined;
  readonly #onPutDown: (() => void)[] = [];

  constructor(ownership: Ownership, intake: Intake<Value, Begun>) {
    this.#ownership = ownership;
    this.#intake = intake;
  }

  /** The partition of the current batch. */
  get owned(): Owned | undefined {
    return this.#hand?.owned;
  }

  /** Makes a batch the current one; undefined if there is nothing to process. */
  take({ at: batch, cost }: Arrived<Value>): Hand<Value> | undefined {
    const owned = this.#ownership.find(batch);
    if (owned && !owned.revoking && batch.records.length > 0) {
      return this.#hand = { owned, batch, cost, given: owned.done, isVoid: false };
    }
    this.#intake.dealtWith(cost);
    return undefined;
  }

  /** The loop has processed the records before this offset. Returns whether that counts. */
  dealt({ owned, isVoid }: Hand<Value>, offset: number): boolean {
    if (isVoid || this.#ownership.find(owned) !== owned) return false;
    owned.done = Math.max(owned.done, offset);
    return true;
  }

  /** The loop has finished the batch, or abandons the rest of it. */
  putDown(hand: Hand<Value>): void {
    if (this.#hand !== hand) return;
    this.#hand = undefined;
    this.#intake.dealtWith(hand.cost);
    for (const run of this.#onPutDown.splice(0)) run();
  }

  /** Calls `run` when the loop puts down its current batch. */
  whenPutDown(run: () => void): void {
    this.#onPutDown.push(run);
  }

  /** Voids the current batch if it is of this partition. */
  void(owned: Owned): void {
    if (this.#hand?.owned === owned) this.#hand.isVoid = true;
  }

  /** The offsets after what the loop was given, where they are not committed yet. */
  given(): OffsetToCommit[] {
    return this.#ownership.all.flatMap((owned) => {
      const { topic, partition, done, committed } = owned;
      const offset = this.#hand?.owned === owned ? this.#hand.given : done;
      return offset > committed ? [{ topic, partition, offset }] : [];
    });
  }
}
