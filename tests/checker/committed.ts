/** What is known of a group's offset in a partition, and who may move it. Pure. */

import { type Hold, rivalOf, type Share } from "./holds.ts";

/** What is known of a committed offset. */
export interface Committed {
  /** It is at least this: -1 if nothing is known. */
  offset: number;
  /** Who showed that; absent after a reset. */
  by: Hold | undefined;
  /** Nobody can have committed more than this: -1 if nobody committed or was sent anything. */
  most: number;
  /** Resets that may happen, with what they set. */
  readonly resetting: Map<number, number>;
  /** The event that ended the last one. */
  reset: number;
  /** Its topic was deleted, and what was committed with it: nothing more is said of it. */
  gone: boolean;
  /** Member → the highest offset that it may have committed while it had the right to. */
  readonly highest: Map<string, number>;
  /** Member → where what it was sent ends. */
  readonly sent: Map<string, number>;
}

/** Why a member had no right to commit, as far as that is known. */
export type Suspicion =
  | { readonly why: "lost" }
  | { readonly why: "rival"; readonly rival: Hold; readonly isCertain: boolean };

/** Nothing is known so far; nor ever, where it is not clear which incarnation it is of. */
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

/** Resets that are under way, or of which nothing was heard, may have set it to less. */
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
