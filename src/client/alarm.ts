/** A single timer for the earliest of several deadlines. */

import type { Platform } from "./platform.ts";

export class Alarm {
  readonly #platform: Platform;
  readonly #run: () => void;
  #at = Infinity;
  #cancel = () => {};

  constructor(platform: Platform, run: () => void) {
    this.#platform = platform;
    this.#run = run;
  }

  /** Calls `run` at this time, or earlier if it is set to an earlier time already. */
  set(at: number): void {
    if (this.#at <= at) return;
    this.#cancel();
    this.#at = at;
    this.#cancel = this.#platform.after(Math.max(0, at - this.#platform.now()), () => {
      this.#at = Infinity;
      this.#run();
    });
  }

  cancel(): void {
    this.#cancel();
    this.#at = Infinity;
  }
}
