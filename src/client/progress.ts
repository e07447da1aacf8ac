/** How far a subscription is in each of its partitions: what has come, and what is dealt with. Pure. */

import type { Head } from "../protocol/gateway_frames.ts";
import { placesOf, type RecordPlace } from "./records.ts";

export class Progress {
  /**
   * By partition: the next offset to come, how far what came has come (with keys the gateway also
   * passes over what is not wanted), the next to deal with, and the log's end.
   */
  readonly #next = new Map<number, number>();
  readonly #came = new Map<number, number>();
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
    this.#came.set(partition, to);
  }

  /** All before this offset is dealt with. */
  dealt(partition: number, to: number): void {
    this.#done.set(partition, to);
    this.#passOver(partition);
  }

  /** It goes on there, whatever was before. */
  move({ partition, offset }: RecordPlace): void {
    for (const map of [this.#next, this.#came, this.#done]) map.set(partition, offset);
  }

  /** It stands on a new connection; what came before may not be dealt with yet. */
  stand({ partition, offset }: RecordPlace): void {
    this.#next.set(partition, offset);
    this.#passOver(partition);
  }

  /** With keys, what was not wanted moves it on without a record. */
  head({ partition, next, end }: Head): void {
    this.#ends.set(partition, end);
    this.#next.set(partition, Math.max(next, this.nextOf(partition)));
    this.#passOver(partition);
  }

  clear(): void {
    for (const map of [this.#next, this.#came, this.#done, this.#ends]) map.clear();
  }

  /** What is behind all that came is nothing to deal with, once that is. */
  #passOver(partition: number): void {
    const done = this.#done.get(partition) ?? 0;
    if (done >= (this.#came.get(partition) ?? 0)) this.#done.set(partition, this.nextOf(partition));
  }
}
