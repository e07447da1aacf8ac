/** What a group tells its members. Whoever holds a member's socket implements it. */

import type { GatewayError } from "../errors.ts";
import type { Offset, Topic } from "../types.ts";
import type { Committed } from "./offsets.ts";

export interface GroupPartition {
  readonly topic: Topic;
  readonly partition: number;
}

/** With what is committed, which is where to begin. */
export interface Assigned extends GroupPartition, Committed {
  /** Where the log ended a moment ago. */
  readonly end: Offset;
}

export interface MemberPort {
  /** Its socket is gone: it hears nothing any more. */
  readonly isGone: boolean;
  /** These are the member's from now on, besides what it has. Comes once after every join. */
  assign(epoch: number, partitions: readonly Assigned[]): void;
  /** These are to be finished, committed and released before the deadline. */
  revoke(epoch: number, partitions: readonly GroupPartition[], deadlineMs: number): void;
  /** These are not the member's any more. */
  lost(epoch: number, partitions: readonly GroupPartition[]): void;
  /** The membership is over. */
  end(error: GatewayError): void;
}
