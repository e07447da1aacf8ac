/** The position of a subscription in a partition that it follows. */

import type { Offset, Topic } from "../types.ts";
import type { Feed } from "./feed.ts";

/** A partition that is followed. */
export interface Cursor {
  readonly feed: Feed;
  readonly topic: Topic;
  readonly partition: number;
  readonly keys: ReadonlySet<string> | undefined;
  /** Offset of the next record to push. A live cursor with keys goes by `Hub.deliveredTo`. */
  next: Offset;
  /** The number of the log's entry where its last push ended: the next read begins there. */
  entry: number | undefined;
  live: boolean;
  /** Rises when the cursor is moved, so that reads for the old position are dropped. */
  moves: number;
  /** What a heartbeat last reported. */
  named: { next: Offset; end: Offset } | undefined;
}

/** What a heartbeat reports of a partition. */
export interface PartitionHead {
  readonly topic: string;
  readonly partition: number;
  readonly next: Offset;
  readonly end: Offset;
}
