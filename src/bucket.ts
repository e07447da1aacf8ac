/**
 * A token bucket: a rate in the long run, with bursts of at most two seconds' worth. A request is
 * admitted as long as anything is left, and what it takes beyond that is a debt that must be
 * refilled before the next: so one rule serves requests of any size, even larger than the bucket.
 */

/** Seconds of the rate that may be saved up. */
const SAVED_SECONDS = 2;

/** Milliseconds: tolerates rounding, since what is left is a sum of fractions. */
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

  /** Whether nothing is missing, as in a new bucket. */
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
