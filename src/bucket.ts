/**
 * A token bucket: so much a second on the long run, and at most two seconds' worth at once.
 * Whatever comes is let in as long as anything is left, and what it takes beyond that must be made
 * good before the next: so one rule holds for what is small and for what is larger than the bucket.
 */

/** Seconds of the rate that may be saved up. */
const SAVED_SECONDS = 2;

/** Milliseconds: what is left is a sum of fractions. */
const ROUNDING = 1e-6;

export class Bucket {
  #perSecond: number;
  #left: number;
  #at: number;

  /** Full at `now`, in milliseconds on a clock that never goes back. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond * SAVED_SECONDS;
    this.#at = now;
  }

  /** The bucket stays as full as it was, in proportion; a debt stays the same amount. */
  set perSecond(perSecond: number) {
    if (this.#left > 0) this.#left *= perSecond / this.#perSecond;
    this.#perSecond = perSecond;
  }

  /** Milliseconds until something may be taken: 0 if it may now. */
  waitMs(now: number): number {
    this.#fill(now);
    if (this.#left > 0) return 0;
    return Math.floor(-this.#left / this.#perSecond * 1_000 + ROUNDING) + 1;
  }

  take(amount: number): void {
    this.#left -= amount;
  }

  /** Whether it is as one that nobody has taken from. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#left >= this.#perSecond * SAVED_SECONDS;
  }

  #fill(now: number): void {
    const filled = this.#left + (now - this.#at) / 1_000 * this.#perSecond;
    this.#left = Math.min(filled, this.#perSecond * SAVED_SECONDS);
    this.#at = now;
  }
}
