/** What a group tells its members; implemented by whatever holds a member's socket. */

import type { GatewayError } from "../errors.ts";
import type { Offset, Topic } from "../types.ts";
import type { Committed } from "./offsets.ts";

export interface GroupPartition {
  readonly topic: Topic;
  readonly partition: number;
}

/** With what is committed, which is where reading begins. */
export interface Assigned extends GroupPartition, Committed {
  /** Where the log ended a moment ago. */
  readonly end: Offset;
}

export interface MemberPort {
  /** Its socket is closed: it can be told nothing more. */
  readonly isGone: boolean;
  /** These are assigned, besides what it has. Called after every join, even with none. */
  assign(epoch: number, partitions: readonly Assigned[]): void;
  /** These are to be finished, committed and released before the deadline. */
  revoke(epoch: number, partitions: readonly GroupPartition[], deadlineMs: number): void;
  /** These are not the member's any more. */
  lost(epoch: number, partitions: readonly GroupPartition[]): void;
  /** The membership is over. */
  end(error: GatewayError): void;
}
