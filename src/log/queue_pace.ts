/** How fast a queue moves, as its last writes tell; older ones count less and less. */

const KEPT = 0.8;

export class QueuePace {
  #ms = 0;
  #bytes = 0;
  #at = 0;
  #taken = 0;

  /**
   * At this time so many bytes of the queue are taken for a write, while others wait behind them; 0
   * if none do.
   */
  took(bytes: number, now: number): void {
    if (this.#taken > 0) {
      this.#ms = KEPT * this.#ms + now - this.#at;
      this.#bytes = KEPT * this.#bytes + this.#taken;
    }
    if (bytes === 0) this.#ms = this.#bytes = 0;
    this.#at = now;
    this.#taken = bytes;
  }

  /** How long so many bytes wait for their turn, about. */
  waitMs(bytes: number): number {
    return this.#bytes > 0 ? bytes * this.#ms / this.#bytes : 0;
  }
}
