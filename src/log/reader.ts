/**
 * Reads partitions: from memory at the head, from the store further back. Offsets are found by
 * binary search over the stripe's entries, each of which has the position of every partition before
 * it. A reader that goes on where it stopped, or that says which entry it was in, needs no search.
 */

import { assert } from "../assert.ts";
import { forgetOldest } from "../forget_oldest.ts";
import { LOG } from "../limits.ts";
import type { Store } from "../store/store.ts";
import type { Offset } from "../types.ts";
import type { EntryCache } from "./entry_cache.ts";
import { EntryMissing, scanEntries } from "./entry_scan.ts";
import { type LogEntry, logEntry } from "./log_entry.ts";
import type { Section, Slice, Wanted } from "./section.ts";
import { SingleFlight } from "./single_flight.ts";
import type { Stripe } from "./stripe.ts";

/** How many positions at which readers stopped are kept at least, over all stripes. */
const BOOKMARKS = 4_096;

export class Reader {
  readonly #store: Store;
  /** The newest entries: for every stripe a contiguous run that ends at its head. */
  readonly #tail: EntryCache;
  /** What was read from the store. */
  readonly #pages: EntryCache;
  readonly #fetching = new SingleFlight<readonly LogEntry[]>();
  readonly #searching = new SingleFlight<LogEntry | undefined>();
  /** `topic/partition/offset` → number of the entry that holds it. */
  readonly #bookmarks = new Map<string, number>();

  constructor(store: Store, tail: EntryCache, pages: EntryCache) {
    this.#store = store;
    this.#tail = tail;
    this.#pages = pages;
  }

  /**
   * Sections from `from` on, up to `LOG.readBytes`, if they are in memory; empty at the end of the
   * log. Undefined if they are not, or if `from` is below the log's start, even if memory still has
   * them.
   */
  cached(stripe: Stripe, partition: number, from: Offset): readonly Section[] | undefined {
    const at = partition - stripe.first;
    const { entries: end, next } = stripe.head;
    if (from === next[at]) return [];
    if (from < (stripe.trim.start[at] ?? 0)) return undefined; // kept in memory, but trimmed
    const oldest = this.#tail.oldest(stripe);
    if (oldest === undefined || from > (next[at] ?? 0)) return undefined;
    if (this.#baseOf(stripe, oldest, at) > from) return undefined;
    return this.#collect(stripe, partition, this.#lastAtOrBelow(stripe, at, from, oldest, end));
  }

  /** Reads what is wanted, or from the log's start if that is later. */
  read(stripe: Stripe, partition: number, wanted: Wanted): Promise<Slice> {
    return this.#withinTrim(stripe, () => this.#read(stripe, partition, wanted));
  }

  /** The offset of the first record appended at or after `timestamp`; the end if none was. */
  offsetAt(stripe: Stripe, partition: number, timestamp: number): Promise<Offset> {
    return this.#withinTrim(stripe, () => this.#offsetAt(stripe, partition, timestamp));
  }

  /** Tries again if retention removes the entries during the read: the start has moved then. */
  async #withinTrim<T>(stripe: Stripe, read: () => Promise<T>): Promise<T> {
    for (;;) {
      const { entry } = stripe.trim;
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof EntryMissing)) throw error;
        await stripe.refreshTrim(this.#store);
        assert(stripe.trim.entry > entry, "an entry that is not there any more was trimmed");
      }
    }
  }

  async #offsetAt(stripe: Stripe, partition: number, timestamp: number): Promise<Offset> {
    const at = partition - stripe.first;
    const { start, next } = stripe.bounds(partition);
    // The entry has the position of every partition of the stripe, and a subscription to all of
    // them asks for each.
    const name = `${timestamp}/${stripe.head.entries}`;
    const entry = await this.#searching.share(stripe, name, async () => {
      const number = await this.#search(stripe, (entry) => entry.time < timestamp);
      return number < stripe.head.entries ? await this.#probe(stripe, number) : undefined;
    });
    return Math.max(start, entry?.bases[at] ?? next);
  }

  async #read(stripe: Stripe, partition: number, wanted: Wanted): Promise<Slice> {
    const { from, bytesMax, near } = wanted;
    const at = partition - stripe.first;
    const { start, next } = stripe.bounds(partition);
    const first = Math.max(from, start);
    if (first >= next) return { sections: [], bounds: stripe.bounds(partition) };
    const end = stripe.head.entries;
    const search = async () =>
      await this.#search(stripe, (entry) => (entry.bases[at] ?? 0) <= first) - 1;
    const marked = near ?? this.#bookmarks.get(bookmark(stripe, partition, first)) ??
      (first === start ? stripe.trim.entry : undefined);
    // Entries after the marked one may be trimmed by now, or many may have nothing of the partition.
    let number = marked === undefined ? await search() : Math.max(marked, stripe.trim.entry);
    const sections: Section[] = [];
    let bytes = 0;
    let scanned = 0; // bytes of the whole stripe, which is what a read from the store costs
    while (number < end && (sections.length === 0 || bytes < bytesMax && scanned < LOG.readBytes)) {
      if (sections.length === 0 && scanned >= LOG.readBytes) number = await search();
      const entry = this.#kept(stripe, number) ?? await this.#fetch(stripe, number);
      number++;
      scanned += entry.bytes;
      const section = sectionOf(entry, partition);
      if (!section || section.next <= first) continue;
      sections.push(section);
      bytes += section.payload.length;
    }
    const last = sections.at(-1);
    if (last) this.#remember(bookmark(stripe, partition, last.next), number);
    return { sections, bounds: stripe.bounds(partition) };
  }

  /** The number of the first entry for which `isBefore` is false; `head.entries` if none. */
  async #search(stripe: Stripe, isBefore: (entry: LogEntry) => boolean): Promise<number> {
    let low = stripe.trim.entry;
    let high = stripe.head.entries;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(await this.#probe(stripe, middle))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #kept(stripe: Stripe, number: number): LogEntry | undefined {
    return this.#tail.get(stripe, number) ?? this.#pages.get(stripe, number);
  }

  /** One entry, for a search: nothing is read ahead or cached. */
  async #probe(stripe: Stripe, number: number): Promise<LogEntry> {
    const kept = this.#kept(stripe, number);
    if (kept) return kept;
    const [decoded] = await scanEntries(this.#store, stripe, number, number + 1, 1);
    assert(decoded, "a scan finds an entry or throws");
    return logEntry(stripe, number, decoded);
  }

  /** Fetches a page that begins at this entry. */
  async #fetch(stripe: Stripe, number: number): Promise<LogEntry> {
    const load = () => this.#load(stripe, number);
    const [entry] = await this.#fetching.share(stripe, `${number}`, load);
    assert(entry, "a scan finds an entry or throws");
    return entry;
  }

  async #load(stripe: Stripe, number: number): Promise<readonly LogEntry[]> {
    const end = stripe.head.entries;
    const page = await scanEntries(this.#store, stripe, number, end, LOG.readBytes);
    return page.map((decoded, i) => {
      const entry = logEntry(stripe, number + i, decoded);
      this.#pages.add(stripe, entry);
      return entry;
    });
  }

  #collect(stripe: Stripe, partition: number, from: number): Section[] {
    const sections: Section[] = [];
    let bytes = 0;
    for (let number = from; number < stripe.head.entries && bytes < LOG.readBytes; number++) {
      const entry = this.#tail.get(stripe, number);
      const section = entry && sectionOf(entry, partition);
      if (!section) continue;
      sections.push(section);
      bytes += section.payload.length;
    }
    return sections;
  }

  /** The last entry in `[low, high)` of the tail with the partition's base at or below `offset`. */
  #lastAtOrBelow(stripe: Stripe, at: number, offset: Offset, low: number, high: number): number {
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#baseOf(stripe, middle, at) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  #baseOf(stripe: Stripe, number: number, at: number): Offset {
    return this.#tail.get(stripe, number)?.bases[at] ?? Infinity;
  }

  #remember(place: string, number: number): void {
    this.#bookmarks.delete(place);
    this.#bookmarks.set(place, number);
    forgetOldest(this.#bookmarks, BOOKMARKS);
  }
}

function bookmark(stripe: Stripe, partition: number, offset: Offset): string {
  return `${stripe.topic.id}/${partition}/${offset}`;
}

function sectionOf(entry: LogEntry, partition: number): Section | undefined {
  for (const section of entry.sections) {
    if (section.partition === partition) return section;
  }
  return undefined;
}
