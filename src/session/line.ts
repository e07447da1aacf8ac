/**
 * Sessions that publish while too much waits for the store: nothing is read from them until their
 * turn comes, in the order in which they stopped. What is not read costs nothing, and TCP slows the
 * client down; what is read and refused costs nearly as much as if it were stored, and comes again.
 * (Kafka mutes the channels of its clients for the same reason.)
 */

import { LINE } from "../limits.ts";

/** Who stands in line. */
export interface Waiting {
  /** Its turn has come: it may be read, and may stand in line again. */
  turn(): void;
}

export class Line {
  readonly #isBehind: () => boolean;
  /** Since when each has waited. */
  readonly #waiting = new Map<Waiting, number>();
  /** How many are let go at once. What they will send is not known: it is found by trying. */
  #step: number = LINE.fewest;
  #letGo = false;

  /** `isBehind`: whether too much waits for the store. */
  constructor(isBehind: () => boolean) {
    this.#isBehind = isBehind;
  }

  enter(waiting: Waiting, now: number): void {
    this.#waiting.set(waiting, now);
  }

  leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /** Lets some go, unless too much waits for the store; and whoever has waited for too long. */
  tick(now: number): void {
    if (this.#waiting.size === 0) return;
    const isBehind = this.#isBehind();
    if (this.#letGo) this.#step = isBehind ? fewer(this.#step) : more(this.#step);
    this.#letGo = !isBehind;
    let most = isBehind ? 0 : this.#step;
    for (const [waiting, since] of this.#waiting) {
      if (most-- <= 0 && since + LINE.waitMs > now) return;
      this.#waiting.delete(waiting);
      waiting.turn();
    }
  }
}

function fewer(step: number): number {
  return Math.max(LINE.fewest, step / 2);
}

function more(step: number): number {
  return Math.min(LINE.most, step * 2);
}
