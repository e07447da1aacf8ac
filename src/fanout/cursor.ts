/** Where a subscription stands in a partition that it follows, and what its client is told of that. */

import type { Offset, Topic } from "../types.ts";
import type { Feed } from "./feed.ts";

/** A partition that is followed. */
export interface Cursor {
  readonly feed: Feed;
  readonly topic: Topic;
  readonly partition: number;
  readonly keys: ReadonlySet<string> | undefined;
  /** Offset of the next record to push; while it is live and has keys, `Hub.toldTo` may be further. */
  next: Offset;
  live: boolean;
  /** Rises when it is moved, so that what was read for where it stood is dropped. */
  moves: number;
  /** What a heartbeat last named. */
  named: { next: Offset; end: Offset } | undefined;
}

/** What a heartbeat tells of a partition. */
export interface PartitionHead {
  readonly topic: string;
  readonly partition: number;
  readonly next: Offset;
  readonly end: Offset;
}
