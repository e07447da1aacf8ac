/** A clock for what goes by the turns of the event loop. */

import type { Clock } from "../../src/host/host.ts";
import { settled } from "./test_host.ts";

/** Its turns of the event loop end, and its timers run, when they are told to. */
export class TurnClock implements Clock {
  time = 0;
  #atEnd: (() => void)[] = [];
  readonly timers: { readonly ms: number; readonly run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    if (ms === 0) this.#atEnd.push(run);
    else this.timers.push({ ms, run });
    return () => {};
  }

  async endTurn(): Promise<void> {
    const due = this.#atEnd;
    this.#atEnd = [];
    for (const run of due) run();
    await settled();
  }
}
