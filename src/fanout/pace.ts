/**
 * Limits how fast readers that are behind are served: a bounded time in each turn of the event loop
 * for all of them together, one push at a time. Otherwise a fast reader would take all the time
 * there is, and acknowledgements would wait for it.
 */

import type { Clock } from "../host/host.ts";
import { SESSION } from "../limits.ts";

export class Pace {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #begunAt = 0;
  #running = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is the caller's turn to push; undefined if that is now. */
  turn(): Promise<void> | undefined {
    if (!this.#running) this.#run();
    if (this.#waiting.length === 0 && !this.#isSpent) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #run(): Promise<void> {
    this.#running = true;
    do {
      this.#begunAt = this.#clock.monotonic();
      while (this.#waiting.length > 0 && !this.#isSpent) {
        this.#waiting.shift()?.();
        await undefined; // lets it push
      }
      await new Promise<void>((resolve) => this.#clock.after(0, resolve));
    } while (this.#waiting.length > 0);
    this.#running = false;
  }

  get #isSpent(): boolean {
    return this.#clock.monotonic() - this.#begunAt >= SESSION.catchUpMs;
  }
}
