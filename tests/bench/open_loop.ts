/**
 * An open loop: sends are due at fixed times, whether or not earlier ones are answered, as with
 * users who do not know of each other; and latency counts from when a send was due, not from when
 * the driver managed to send it. A closed loop sends less while the server is slow, and so omits
 * the very moments that matter for latency (coordinated omission).
 */

import { ascending } from "./figures.ts";

/** The times at which sends are due: evenly spaced, so many a second. */
export class Schedule {
  readonly #perMs: number;
  readonly #begunMs: number;
  #given = 0;

  constructor(perSecond: number, begunMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#begunMs = begunMs;
  }

  /** When each send was due that became due by `nowMs` and was not returned before. */
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

/** Latencies since sends were due, without those that were due in the warm-up. */
export class Latencies {
  readonly #fromMs: number;
  readonly #taken: number[] = [];

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  answered(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#fromMs) this.#taken.push(nowMs - dueMs);
  }

  /** What is not answered at the end has taken at least so long. */
  unanswered(dueMs: Iterable<number>, nowMs: number): void {
    for (const due of dueMs) this.answered(due, nowMs);
  }

  sorted(): number[] {
    return ascending(this.#taken);
  }
}

const LOOK_MS = 1;

/** Sends what is due at its time, until the returned function is called. */
export function sendWhenDue(perSecond: number, send: (dueMs: number) => void): () => void {
  const schedule = new Schedule(perSecond, performance.now());
  const timer = setInterval(() => {
    for (const dueMs of schedule.due(performance.now())) send(dueMs);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
