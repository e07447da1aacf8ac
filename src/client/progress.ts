/** How far a subscription is in each partition: what was received, and what was processed. Pure. */

import type { Head } from "../protocol/gateway_frames.ts";
import { placesOf, type RecordPlace } from "./records.ts";

export class Progress {
  /**
   * By partition: the next offset to receive, the offset after what was received (which is less if
   * the gateway has passed over records with other keys since), the next offset to process, and the
   * end of the log.
   */
  readonly #next = new Map<number, number>();
  readonly #came = new Map<number, number>();
  readonly #done = new Map<number, number>();
  readonly #ends = new Map<number, number>();

  /** Where to resume. */
  get next(): RecordPlace[] {
    return placesOf(this.#next);
  }

  /** How far the loop has processed. */
  get done(): RecordPlace[] {
    return placesOf(this.#done);
  }

  /** The number of records that are not yet processed. */
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

  /** All before this offset was received, or never will be. */
  came(partition: number, to: number): void {
    this.#next.set(partition, Math.max(to, this.nextOf(partition)));
    this.#came.set(partition, to);
  }

  /** All before this offset is processed. */
  dealt(partition: number, to: number): void {
    this.#done.set(partition, to);
    this.#passOver(partition);
  }

  /** Continues there, whatever was before. */
  move({ partition, offset }: RecordPlace): void {
    for (const map of [this.#next, this.#came, this.#done]) map.set(partition, offset);
  }

  /** The subscription is resumed there; earlier records may still wait to be processed. */
  stand({ partition, offset }: RecordPlace): void {
    this.#next.set(partition, offset);
    this.#passOver(partition);
  }

  /** With keys, records that are not wanted move the next offset without a delivery. */
  head({ partition, next, end }: Head): void {
    this.#ends.set(partition, end);
    this.#next.set(partition, Math.max(next, this.nextOf(partition)));
    this.#passOver(partition);
  }

  clear(): void {
    for (const map of [this.#next, this.#came, this.#done, this.#ends]) map.clear();
  }

  /** Once all that was received is processed, so is what the gateway has passed over since. */
  #passOver(partition: number): void {
    const done = this.#done.get(partition) ?? 0;
    if (done >= (this.#came.get(partition) ?? 0)) this.#done.set(partition, this.nextOf(partition));
  }
}
