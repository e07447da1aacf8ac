/**
 * Entries in memory: the newest of every stripe, for followers at the head, and those that readers
 * from further back have just read, so that many readers of the same range share one read.
 *
 * Both are bounded by what they take in memory over all stripes, and give up their oldest first. What
 * was appended last is therefore always an unbroken run that ends at the stripe's head.
 */

import { assert } from "../assert.ts";
import { type LogEntry, memoryBytes } from "./log_entry.ts";
import type { Stripe } from "./stripe.ts";

/** What is here of a stripe. */
interface Run {
  /** Where it begins, if it is unbroken. */
  first: number;
  readonly entries: Map<number, LogEntry>;
}

interface Kept {
  readonly stripe: Stripe;
  readonly entry: LogEntry;
}

export class EntryCache {
  readonly #bytesMax: number;
  readonly #runs = new Map<Stripe, Run>();
  /** In the order in which they came; what was given up is undefined, up to `#oldest`. */
  #queue: (Kept | undefined)[] = [];
  #oldest = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(stripe: Stripe, number: number): LogEntry | undefined {
    return this.#runs.get(stripe)?.entries.get(number);
  }

  /** Of what was appended: the number of the stripe's oldest entry that is here. */
  oldest(stripe: Stripe): number | undefined {
    return this.#runs.get(stripe)?.first;
  }

  add(stripe: Stripe, entry: LogEntry): void {
    let run = this.#runs.get(stripe);
    if (!run) this.#runs.set(stripe, run = { first: entry.number, entries: new Map() });
    if (run.entries.has(entry.number)) return;
    run.entries.set(entry.number, entry);
    this.#queue.push({ stripe, entry });
    this.#bytes += memoryBytes(entry);
    while (this.#bytes > this.#bytesMax && this.#oldest < this.#queue.length - 1) this.#evict();
  }

  /** Forgets the stripe: its topic was deleted, or others wrote to it and the run is broken. */
  drop(stripe: Stripe): void {
    if (!this.#runs.delete(stripe)) return;
    this.#queue = this.#queue.slice(this.#oldest).filter((kept) => kept?.stripe !== stripe);
    this.#oldest = 0;
    this.#bytes = this.#queue.reduce((sum, kept) => sum + (kept ? memoryBytes(kept.entry) : 0), 0);
  }

  #evict(): void {
    const kept = this.#queue[this.#oldest];
    assert(kept, "what is from the oldest on was not given up yet");
    this.#queue[this.#oldest++] = undefined;
    this.#bytes -= memoryBytes(kept.entry);
    const run = this.#runs.get(kept.stripe);
    assert(run, "a stripe of which something is kept has a run");
    run.entries.delete(kept.entry.number);
    run.first = kept.entry.number + 1;
    // It is all that holds a stripe whose topic is in memory no more.
    if (run.entries.size === 0) this.#runs.delete(kept.stripe);
    if (this.#oldest > 1_024 && this.#oldest * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
