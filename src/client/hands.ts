/**
 * What the loop of a consumer has in hand, and how far it is with it: at most one batch at a time.
 * What is dealt with of a partition that was lost meanwhile, or from which the reader went elsewhere,
 * does not count. Pure.
 */

import type { Arrived, RecordBatch } from "./batch.ts";
import type { OffsetToCommit } from "./commits.ts";
import type { Capacity } from "./flow.ts";
import type { Intake } from "./intake.ts";
import type { Owned, Ownership } from "./ownership.ts";

/** Partitions that came, in their place before their records. */
export interface Begun {
  readonly kind: "begun";
  readonly partitions: readonly Owned[];
}

/** A batch that the loop is at. */
export interface Hand<Value> {
  readonly owned: Owned;
  readonly batch: RecordBatch<Value>;
  readonly cost: Capacity;
  /** Behind what the loop was given. */
  given: number;
  /** The reader went elsewhere meanwhile, or the partition is somebody else's. */
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

  /** The partition that the loop is in. */
  get owned(): Owned | undefined {
    return this.#hand?.owned;
  }

  /** Takes a batch into hand; undefined if there is nothing to do with it. */
  take({ at: batch, cost }: Arrived<Value>): Hand<Value> | undefined {
    const owned = this.#ownership.find(batch);
    if (owned && !owned.revoking && batch.records.length > 0) {
      return this.#hand = { owned, batch, cost, given: owned.done, isVoid: false };
    }
    this.#intake.dealtWith(cost);
    return undefined;
  }

  /** The loop has dealt with what is before this offset. Whether that counts. */
  dealt({ owned, isVoid }: Hand<Value>, offset: number): boolean {
    if (isVoid || this.#ownership.find(owned) !== owned) return false;
    owned.done = Math.max(owned.done, offset);
    return true;
  }

  /** The loop is done with the batch, or with as much of it as it wants. */
  putDown(hand: Hand<Value>): void {
    if (this.#hand !== hand) return;
    this.#hand = undefined;
    this.#intake.dealtWith(hand.cost);
    for (const run of this.#onPutDown.splice(0)) run();
  }

  /** Calls `run` when the loop puts down what it has in hand. */
  whenPutDown(run: () => void): void {
    this.#onPutDown.push(run);
  }

  /** What is in hand of this partition counts no more. */
  void(owned: Owned): void {
    if (this.#hand?.owned === owned) this.#hand.isVoid = true;
  }

  /** What the loop was given and nobody has committed. */
  given(): OffsetToCommit[] {
    return this.#ownership.all.flatMap((owned) => {
      const { topic, partition, done, committed } = owned;
      const offset = this.#hand?.owned === owned ? this.#hand.given : done;
      return offset > committed ? [{ topic, partition, offset }] : [];
    });
  }
}
