/** A host for tests: its clock moves only when told to, and its randomness is seeded. */

import type { Clock, Host } from "../../src/host/host.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves only by `advance`. */
export class TestClock implements Clock {
  #nowMs: number;
  #timers: Timer[] = [];

  constructor(nowMs = 1_764_000_000_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return Math.floor(this.#nowMs);
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, and runs what is due by then, in order; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    for (;;) {
      await settled();
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.at);
      due.run();
    }
    this.#nowMs = until;
    await settled();
  }
}

/** Resolves when every promise that can settle without time passing has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface TestHost extends Host {
  readonly clock: TestClock;
  readonly counts: Map<string, number>;
}

/** `nowMs`: the time that its clock begins at. */
export function testHost(seed = 1, nowMs?: number): TestHost {
  const counts = new Map<string, number>();
  const number = mulberry32(seed);
  return {
    clock: new TestClock(nowMs),
    counts,
    random: {
      number,
      bytes: (length) => Uint8Array.from({ length }, () => Math.floor(number() * 256)),
    },
    telemetry: {
      count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
      observe() {},
      report() {},
    },
  };
}

/** A small seeded generator of numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
