/**
 * When nothing is read from a session, so that a client that costs much leaves time for others: for
 * a time, or, while it is muted, until its turn comes.
 */

import type { Clock } from "../host/host.ts";
import { MUTING, SESSION } from "../limits.ts";
import type { Muted, Muting } from "./muting.ts";

export class Rest implements Muted {
  readonly #clock: Clock;
  readonly #muting: Muting | undefined;
  readonly #ended: () => void;
  #until = -Infinity;
  #timed = false;
  #muted = false;
  /** Bytes that it may publish until then, in its turn, before it is muted again. */
  #turnBytes = 0;
  #turnUntil = -Infinity;

  /**
   * `muting`: unless the socket cannot pause, when what it sends would only wait elsewhere; `ended`
   * is called when it may be read again.
   */
  constructor(clock: Clock, muting: Muting | undefined, ended: () => void) {
    this.#clock = clock;
    this.#muting = muting;
    this.#ended = ended;
  }

  get resting(): boolean {
    return this.#timed || this.#muted;
  }

  /** Rests for so long, behind what it rests already. */
  add(ms: number): void {
    if (ms < 1) return;
    const now = this.#clock.monotonic();
    const until = Math.max(now, this.#until) + ms;
    this.#until = Math.min(until, now + SESSION.restMaxMs);
    if (!this.#timed) this.#goOn(now);
  }

  /** It has published so many bytes while too much waits for the store. */
  published(bytes: number): void {
    if (this.#muted || !this.#muting) return;
    const now = this.#clock.monotonic();
    this.#turnBytes -= bytes;
    if (this.#turnBytes > 0 && now < this.#turnUntil) return;
    this.#muted = true;
    this.#muting.mute(this, now);
  }

  unmute(turnBytes: number): void {
    this.#muted = false;
    this.#turnBytes = turnBytes;
    this.#turnUntil = this.#clock.monotonic() + MUTING.turnMs;
    this.#endIfOver();
  }

  /** The session is over. */
  stop(): void {
    this.#muting?.forget(this);
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
