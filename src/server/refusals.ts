/**
 * Delays the responses to sockets that are refused temporarily, so that clients that retry at once
 * cost little (a tarpit): a response, with its connection, takes up to half a millisecond of CPU.
 */

import { HTTP } from "../limits.ts";

export class Refusals {
  readonly #held = new Set<() => void>();
  #over = false;

  /** Resolves after the delay; at once if many wait already, or after `release`. */
  hold(): Promise<void> {
    if (this.#over || this.#held.size >= HTTP.refusalsHeld) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#held.delete(done);
        resolve();
      };
      const timer = setTimeout(done, HTTP.refusalMs);
      this.#held.add(done);
    });
  }

  /** Ends all delays, since the listener closes. */
  release(): void {
    this.#over = true;
    for (const done of this.#held) done();
  }
}
