/**
 * Limits what readers that are behind may take of the store. So many read at a time: what each has
 * read is in memory until it is pushed, and the same page may bring a thousand of them on, who would
 * all push in the turn of the event loop in which it comes. And while something is being written,
 * who has read rests for longer than that took: writes come first, and reads hold them up.
 */

import type { Clock } from "../host/host.ts";
import { LOG } from "../limits.ts";
import type { ReadableLog } from "./hub.ts";
import type { Pace } from "./pace.ts";

export class Readers {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #log: Pick<ReadableLog, "isWriting">;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(pace: Pace, clock: Clock, log: Pick<ReadableLog, "isWriting">) {
    this.#pace = pace;
    this.#clock = clock;
    this.#log = log;
  }

  /** In the caller's turn: reads, and pushes what was read. One that has to wait has another turn. */
  async read<T>(read: () => Promise<T>, push: (what: T) => void): Promise<void> {
    if (this.#reading < LOG.readersAtOnce) this.#reading++;
    else {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const turn = this.#pace.turn();
      if (turn) await turn;
    }
    const begunAt = this.#clock.monotonic();
    try {
      push(await read());
      if (this.#log.isWriting) await this.#rest(this.#clock.monotonic() - begunAt);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#reading--;
    }
  }

  /** After a read that took so long. */
  #rest(tookMs: number): Promise<void> {
    const ms = Math.min(LOG.readersRest * tookMs, LOG.readersRestMs);
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
