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

interface Kept {
  readonly stripe: Stripe;
  readonly entry: LogEntry;
}

export class EntryCache {
  readonly #bytesMax: number;
  readonly #entries = new Map<Stripe, Map<number, LogEntry>>();
  /** In the order in which they came; what was given up is undefined, up to `#oldest`. */
  #queue: (Kept | undefined)[] = [];
  #oldest = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(stripe: Stripe, number: number): LogEntry | undefined {
    return this.#entries.get(stripe)?.get(number);
  }

  /** The number of the stripe's oldest entry that is here. */
  oldest(stripe: Stripe): number | undefined {
    return this.#entries.get(stripe)?.keys().next().value;
  }

  add(stripe: Stripe, entry: LogEntry): void {
    let entries = this.#entries.get(stripe);
    if (!entries) this.#entries.set(stripe, entries = new Map());
    if (entries.has(entry.number)) return;
    entries.set(entry.number, entry);
    this.#queue.push({ stripe, entry });
    this.#bytes += memoryBytes(entry);
    while (this.#bytes > this.#bytesMax && this.#oldest < this.#queue.length - 1) this.#evict();
  }

  /** Forgets the stripe: its topic was deleted, or others wrote to it and the run is broken. */
  drop(stripe: Stripe): void {
    if (!this.#entries.delete(stripe)) return;
    this.#queue = this.#queue.slice(this.#oldest).filter((kept) => kept?.stripe !== stripe);
    this.#oldest = 0;
    this.#bytes = this.#queue.reduce((sum, kept) => sum + (kept ? memoryBytes(kept.entry) : 0), 0);
  }

  #evict(): void {
    const kept = this.#queue[this.#oldest];
    assert(kept, "what is from the oldest on was not given up yet");
    this.#queue[this.#oldest++] = undefined;
    this.#bytes -= memoryBytes(kept.entry);
    const entries = this.#entries.get(kept.stripe);
    entries?.delete(kept.entry.number);
    // It is all that holds a stripe whose topic is in memory no more.
    if (entries?.size === 0) this.#entries.delete(kept.stripe);
    if (this.#oldest > 1_024 && this.#oldest * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
