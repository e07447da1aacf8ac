/**
 * Reads entries of a stripe's log from the store, in order and bounded by memory. An entry is one
 * value or several (`chunk` 0, 1, …), and a page of the store may end within one.
 */

import { assert } from "../assert.ts";
import { keys } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import { type DecodedEntry, decodeEntry } from "./entry.ts";
import { memoryBytes } from "./log_entry.ts";

/** Identifies a stripe. */
export interface StripeName {
  readonly topic: { readonly id: string };
  readonly index: number;
  readonly partitions: number;
}

/** Values of the first page. An entry has at most eleven, so at least one is complete. */
const FIRST_PAGE = 16;
/** Values of a page at most: even with the largest values it must arrive within one call. */
const LARGEST_PAGE = 128;

/**
 * The entries `[from, to)`, at least one of them, up to `bytesMax` bytes of memory. The caller
 * knows from a head that they were stored. Throws `EntryMissing` if retention or a deletion has
 * removed some since.
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

/** Retention or a deletion has removed the entry. */
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
