/** When nothing is read from a session, so that a client that costs much leaves time for others. */

import type { Clock } from "../host/host.ts";
import { SESSION } from "../limits.ts";
import type { Line, Waiting } from "./line.ts";

export class Rest implements Waiting {
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #ended: () => void;
  #until = -Infinity;
  #timed = false;
  #inLine = false;

  /** `ended` is called when it may be read again. */
  constructor(clock: Clock, line: Line, ended: () => void) {
    this.#clock = clock;
    this.#line = line;
    this.#ended = ended;
  }

  get resting(): boolean {
    return this.#timed || this.#inLine;
  }

  /** Rests for so long, behind what it rests already. */
  add(ms: number): void {
    if (ms < 1) return;
    const now = this.#clock.monotonic();
    const until = Math.max(now, this.#until) + ms;
    this.#until = Math.min(until, now + SESSION.restMaxMs);
    if (!this.#timed) this.#goOn(now);
  }

  /** Rests until its turn comes. */
  waitForTurn(): void {
    if (this.#inLine) return;
    this.#inLine = true;
    this.#line.enter(this, this.#clock.monotonic());
  }

  turn(): void {
    this.#inLine = false;
    this.#endIfOver();
  }

  /** The session is over. */
  stop(): void {
    this.#line.leave(this);
  }

  #goOn(now: number): void {
    this.#timed = true;
    this.#clock.after(this.#until - now, () => {
      const now = this.#clock.monotonic();
      if (now < this.#until) return this.#goOn(now);
      this.#timed = false;
      this.#endIfOver();
    });
  }

  #endIfOver(): void {
    if (!this.resting) this.#ended();
  }
}
