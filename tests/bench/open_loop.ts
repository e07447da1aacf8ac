/**
 * An open loop: what is sent is due at fixed times, whether or not what was sent before is answered,
 * as people are who know nothing of each other; and a latency is counted from when it was due, not
 * from when the driver got round to it. A closed loop sends less while the server is slow, and so
 * leaves out the very moments that a latency is about (coordinated omission).
 */

import { ascending } from "./figures.ts";

/** The times at which sends are due: evenly, so many a second. */
export class Schedule {
  readonly #perMs: number;
  readonly #begunMs: number;
  #given = 0;

  constructor(perSecond: number, begunMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#begunMs = begunMs;
  }

  /** When each is due that has become so by `nowMs`, and was not given before. */
  *due(nowMs: number): Generator<number, void, undefined> {
    for (let at = this.#next(); at <= nowMs; at = this.#next()) {
      this.#given++;
      yield at;
    }
  }

  #next(): number {
    return this.#begunMs + this.#given / this.#perMs;
  }
}

/** How long things took since they were due; those that were due in the warm-up are left out. */
export class Latencies {
  readonly #fromMs: number;
  readonly #taken: number[] = [];

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  answered(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#fromMs) this.#taken.push(nowMs - dueMs);
  }

  /** What is not answered at the end has taken so long at least. */
  unanswered(dueMs: Iterable<number>, nowMs: number): void {
    for (const due of dueMs) this.answered(due, nowMs);
  }

  sorted(): number[] {
    return ascending(this.#taken);
  }
}

const LOOK_MS = 1;

/** Sends what is due, when it is, until the returned function is called. */
export function sendWhenDue(perSecond: number, send: (dueMs: number) => void): () => void {
  const schedule = new Schedule(perSecond, performance.now());
  const timer = setInterval(() => {
    for (const dueMs of schedule.due(performance.now())) send(dueMs);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
