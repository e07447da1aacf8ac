/** What is known of a group's committed offset in a partition, and who may move it. Pure. */

import { type Hold, rivalOf, type Share } from "./holds.ts";

/** What is known of a committed offset. */
export interface Committed {
  /** A lower bound; -1 if nothing is known. */
  offset: number;
  /** Who showed it; absent after a reset. */
  by: Hold | undefined;
  /** An upper bound of what can be committed; -1 if nobody committed or was sent anything. */
  most: number;
  /** Resets in progress, with what they set. */
  readonly resetting: Map<number, number>;
  /** The event that ended the last reset. */
  reset: number;
  /** Its topic was deleted with its committed offsets: nothing more is checked. */
  gone: boolean;
  /** For each member, the highest offset that it may have committed while it had the right to. */
  readonly highest: Map<string, number>;
  /** For each member, the end of what it was sent. */
  readonly sent: Map<string, number>;
}

/** Why a member had no right to commit, if that is known. */
export type Suspicion =
  | { readonly why: "lost" }
  | { readonly why: "rival"; readonly rival: Hold; readonly isCertain: boolean };

/** Nothing is known yet; nor will be, if it is not clear which incarnation it belongs to. */
export function unknown({ incarnation }: Share): Committed {
  return {
    offset: -1,
    by: undefined,
    most: -1,
    resetting: new Map(),
    reset: -1,
    gone: incarnation === undefined,
    highest: new Map(),
    sent: new Map(),
  };
}

/** Resets in progress, or with unknown outcome, may have set it to less. */
export function leastOf({ offset, resetting, gone }: Committed): number {
  return gone ? -1 : Math.min(offset, ...resetting.values());
}

export function suspicionOf(
  share: Share,
  member: string,
  hold: Hold | undefined,
  index: number,
): Suspicion | undefined {
  if (hold && hold.until < index) return { why: "lost" };
  const rival = rivalOf(share, member, hold);
  return rival && { why: "rival", rival: rival.hold, isCertain: rival.isCertain };
}
