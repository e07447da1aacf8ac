/**
 * Answers to those who may not open a socket for now. Each is held back for a while, so that whoever
 * asks again as soon as it is answered costs little: an answer takes up to half a millisecond of the
 * core, with its connection. The idea is that of a tarpit.
 */

import { HTTP } from "../limits.ts";

export class Refusals {
  readonly #held = new Set<() => void>();
  #over = false;

  /** Resolves when one may be answered: at once where many wait already, and after `release`. */
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

  /** Lets all be answered now, since the listener closes. */
  release(): void {
    this.#over = true;
    for (const done of this.#held) done();
  }
}
