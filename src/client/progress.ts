/** How far a subscription is in each of its partitions: what has come, and what is dealt with. Pure. */

import type { Head } from "../protocol/gateway_frames.ts";
import { placesOf, type RecordPlace } from "./records.ts";

export class Progress {
  /** By partition: the next offset to come, the next to deal with, and the log's end. */
  readonly #next = new Map<number, number>();
  readonly #done = new Map<number, number>();
  readonly #ends = new Map<number, number>();

  /** Where to go on. */
  get next(): RecordPlace[] {
    return placesOf(this.#next);
  }

  /** What the loop has dealt with. */
  get done(): RecordPlace[] {
    return placesOf(this.#done);
  }

  /** Records that are in the log and not dealt with. */
  get lag(): number {
    let lag = 0;
    for (const [partition, end] of this.#ends) {
      lag += Math.max(0, end - (this.#done.get(partition) ?? end));
    }
    return lag;
  }

  nextOf(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  /** All before this offset has come, or never will. */
  came(partition: number, to: number): void {
    this.#next.set(partition, Math.max(to, this.nextOf(partition)));
  }

  /** All before this offset is dealt with. */
  dealt(partition: number, to: number): void {
    this.#done.set(partition, to);
  }

  /** It goes on there, whatever was before. */
  move({ partition, offset }: RecordPlace): void {
    this.#next.set(partition, offset);
    this.#done.set(partition, offset);
  }

  /** It stands on a new connection; what came before may not be dealt with yet. */
  stand({ partition, offset }: RecordPlace): void {
    if (this.#done.get(partition) === this.#next.get(partition)) this.#done.set(partition, offset);
    this.#next.set(partition, offset);
  }

  /** With keys, what was not wanted moves it on without a record. */
  head({ partition, next, end }: Head): void {
    this.#ends.set(partition, end);
    const known = this.#next.get(partition) ?? next;
    this.#next.set(partition, Math.max(known, next));
    if (this.#done.get(partition) === known) this.#done.set(partition, Math.max(known, next));
  }

  clear(): void {
    this.#next.clear();
    this.#done.clear();
    this.#ends.clear();
  }
}
