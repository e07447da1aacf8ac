/**
 * Entries in memory: the newest of every stripe, for followers at the head, and those that readers
 * from further back have just read, so that many readers of the same range share one read.
 *
 * Both are bounded by memory over all stripes, and evict the oldest first. So the newest entries of
 * a stripe are always a contiguous run that ends at its head.
 */

import { assert } from "../assert.ts";
import { type LogEntry, memoryBytes } from "./log_entry.ts";
import type { Stripe } from "./stripe.ts";

/** The cached entries of a stripe. */
interface Run {
  /** The number of the first, if they are contiguous. */
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
  /** In the order in which they were added; evicted ones are undefined, up to `#oldest`. */
  #queue: (Kept | undefined)[] = [];
  #oldest = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(stripe: Stripe, number: number): LogEntry | undefined {
    return this.#runs.get(stripe)?.entries.get(number);
  }

  /** Where the stripe's contiguous run of newest entries begins. */
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

  /** Drops the stripe: its topic was deleted, or writes of other gateways have broken the run. */
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
    // Otherwise this map alone would keep a stripe in memory after its topic is gone.
    if (run.entries.size === 0) this.#runs.delete(kept.stripe);
    if (this.#oldest > 1_024 && this.#oldest * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
