/**
 * Mutes sessions that publish while too much waits for the store: nothing is read from them until
 * their turn comes, in the order in which they were muted. What is not read costs nothing, and TCP
 * slows the client down; what is read and refused costs nearly as much as if it were stored, and
 * comes again. (The word and the way are Kafka's.)
 */

import { MUTING } from "../limits.ts";

export interface Muted {
  /** It is read again. In its turn it may publish so many bytes before it is muted again. */
  unmute(turnBytes: number): void;
}

export class Muting {
  readonly #isBehind: () => boolean;
  /** Since when each is muted. */
  readonly #muted = new Map<Muted, number>();
  /** How many have their turn in one tick. What they will send is not known: it is found by trying. */
  #step: number = MUTING.fewest;
  #hadTurns = false;

  /** `isBehind`: whether too much waits for the store. */
  constructor(isBehind: () => boolean) {
    this.#isBehind = isBehind;
  }

  get count(): number {
    return this.#muted.size;
  }

  mute(session: Muted, now: number): void {
    this.#muted.set(session, now);
  }

  forget(session: Muted): void {
    this.#muted.delete(session);
  }

  /** Gives some their turn, unless too much waits; whoever was muted for long is read in any case. */
  tick(now: number): void {
    if (this.#muted.size === 0) return;
    const isBehind = this.#isBehind();
    if (this.#hadTurns) this.#step = isBehind ? fewer(this.#step) : more(this.#step);
    this.#hadTurns = !isBehind;
    let turns = isBehind ? 0 : this.#step;
    // A session that is muted again comes last, and waits for the next tick.
    let left = this.#muted.size;
    for (const [session, since] of this.#muted) {
      if (left-- === 0) return;
      const isLong = since + MUTING.waitMs <= now;
      if (!isLong && (turns-- <= 0 || this.#isBehind())) return;
      this.#muted.delete(session);
      session.unmute(isLong ? 0 : MUTING.turnBytes);
    }
  }
}

function fewer(step: number): number {
  return Math.max(MUTING.fewest, step / 2);
}

function more(step: number): number {
  return Math.min(MUTING.most, step * 2);
}
