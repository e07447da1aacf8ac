/**
 * The unit in which records travel from the log to readers: what one entry of the log holds for one
 * partition. It is immutable and shared by all who read it, from the appender that wrote it to the
 * last follower, so that whatever is derived from it (`fanout/` encodes it) is derived once.
 */

import type { Offset, Topic } from "../types.ts";

export interface Section {
  readonly topic: Topic;
  readonly partition: number;
  /** Number of the entry that holds it, among those of the partition's stripe. */
  readonly entry: number;
  /** Offset of its first record; the others follow without a gap. */
  readonly base: Offset;
  /** Offset behind its last record. */
  readonly next: Offset;
  /** When it was appended. Never falls from section to section of a partition. */
  readonly time: number;
  /** The records, one behind the other, as `record.ts` draws them. */
  readonly payload: Uint8Array;
}

/** Where a partition's log begins and ends, and how many bytes of records it holds. */
export interface Bounds {
  readonly start: Offset;
  readonly next: Offset;
  readonly bytes: number;
}

/** What is to be read of a partition. */
export interface Wanted {
  readonly from: Offset;
  /** Bytes of records above which no further section is read. */
  readonly bytesMax: number;
  /** The number of an entry that has `from` or comes before it, but not far: it saves a search. */
  readonly near?: number | undefined;
}

/** What a read of a partition found. */
export interface Slice {
  /** In order and without a gap; the first one may begin before the offset that was asked for. */
  readonly sections: readonly Section[];
  readonly bounds: Bounds;
}
