/**
 * Limits how many readers that are behind read the store at a time: what each has read is in memory
 * until it is pushed, reads hold up writes, and the same page may bring a thousand of them on, who
 * would all push in the turn of the event loop in which it comes.
 */

import { LOG } from "../limits.ts";
import type { Pace } from "./pace.ts";

export class Readers {
  readonly #pace: Pace;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** In the caller's turn: reads, and pushes what was read. One that has to wait has another turn. */
  async read<T>(read: () => Promise<T>, push: (what: T) => void): Promise<void> {
    if (this.#reading < LOG.readersAtOnce) this.#reading++;
    else {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const turn = this.#pace.turn();
      if (turn) await turn;
    }
    try {
      push(await read());
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#reading--;
    }
  }
}
