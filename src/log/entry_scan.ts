/**
 * Reads entries of a stripe's log from the store, in order, a bounded part of memory at a time. An
 * entry is one value or several (`chunk` 0, 1, …), and a page of the store may end within one.
 */

import { assert } from "../assert.ts";
import { keys } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import { type DecodedEntry, decodeEntry } from "./entry.ts";
import { memoryBytes } from "./log_entry.ts";

/** Names a stripe. */
export interface StripeName {
  readonly topic: { readonly id: string };
  readonly index: number;
  readonly partitions: number;
}

/** First page: an entry has at most eleven values, so one at least is whole. */
const FIRST_PAGE = 16;
/** Values of a page, which may be the largest: it must come within one call, however slow the link. */
const LARGEST_PAGE = 128;

/**
 * The entries `[from, to)`, at least one of them, until they take `bytesMax` bytes in memory. Whoever
 * asks knows from a head that they were stored; `EntryMissing` if retention or a deletion came first.
 */
export async function scanEntries(
  store: Store,
  stripe: StripeName,
  from: number,
  to: number,
  bytesMax: number,
): Promise<DecodedEntry[]> {
  const decoded: DecodedEntry[] = [];
  let bytes = 0;
  let limit = FIRST_PAGE;
  while (from + decoded.length < to && bytes < bytesMax) {
    const number = from + decoded.length;
    const values = await store.scan({
      prefix: keys.entries(stripe.topic.id, stripe.index),
      start: keys.entry(stripe.topic.id, stripe.index, number, 0),
      end: keys.entry(stripe.topic.id, stripe.index, to, 0),
      limit,
    });
    // A deletion may have taken the first values of an entry, and not yet the others.
    if (values[0]?.key.at(-1) !== 0) throw new EntryMissing(number);
    const groups = byEntry(values);
    if (values.length === limit) groups.pop(); // the page may have cut its last entry short
    for (const [i, chunks] of groups.entries()) {
      if (chunks.number !== number + i) throw new EntryMissing(number + i);
      const entry = decodeEntry(chunks.values, stripe.partitions);
      decoded.push(entry);
      bytes += memoryBytes(entry);
    }
    const meanBytes = Math.max(1, bytes / decoded.length);
    limit = Math.min(LARGEST_PAGE, FIRST_PAGE + Math.ceil((bytesMax - bytes) / meanBytes));
  }
  return decoded;
}

/** Retention or a deletion has passed where a reader was. */
export class EntryMissing extends Error {
  override readonly name = "EntryMissing";
  constructor(number: number) {
    super(`Entry ${number} is not there any more`);
  }
}

/** The values of one entry, with its number. */
interface Chunks {
  readonly number: string | number | undefined;
  readonly values: Uint8Array[];
}

function byEntry(values: readonly Entry[]): Chunks[] {
  const groups: Chunks[] = [];
  for (const { key, value } of values) {
    assert(value, "a scan finds values");
    const number = key.at(-2);
    if (number !== groups.at(-1)?.number) groups.push({ number, values: [] });
    groups.at(-1)?.values.push(value);
  }
  return groups;
}
