/**
 * The commit of a transaction, and whether this member may still make it. If the partition was lost
 * meanwhile, even if it is owned again, a resent transaction must not be stored: other members may
 * have processed the same records. But an earlier attempt may have been stored, and only resending
 * can tell: so it is resent with a subscription that never exists, which returns the result if it
 * is stored, and stores nothing.
 */

import type { OffsetToCommit } from "./commits.ts";
import { notOwner, type WeirError } from "./errors.ts";
import type { Hands } from "./hands.ts";
import type { Owned, Ownership } from "./ownership.ts";

/** The part of the membership that a claim uses. */
export interface Claimed {
  readonly ownership: Ownership;
  readonly hands: Pick<Hands<unknown>, "owned">;
  readonly intake: { readonly number: number | undefined };
  /** It is known which partitions the member owns, or the membership has ended. */
  readonly isSettled: boolean;
  /** Calls `run` once, when it is settled. */
  whenSettled(run: () => void): void;
}

const NO_SUBSCRIPTION = 0;

export class Claim {
  readonly #membership: Claimed;
  readonly #offsets: readonly OffsetToCommit[];
  /** The partitions, as they were owned when `transact` was called. */
  readonly #owned: readonly (Owned | undefined)[];

  constructor(membership: Claimed, offsets: readonly OffsetToCommit[]) {
    this.#membership = membership;
    this.#offsets = offsets;
    const { hands, ownership } = membership;
    this.#owned = offsets.map(({ topic, partition }) => {
      const inHand = hands.owned;
      const isInHand = inHand?.topic === topic && inHand.partition === partition;
      return isInHand ? inHand : ownership.find({ topic, partition });
    });
  }

  get isSettled(): boolean {
    return this.#membership.isSettled;
  }

  whenSettled(run: () => void): void {
    this.#membership.whenSettled(run);
  }

  /**
   * The JSON of the commit. Throws `not_owner` if a partition was lost since; but not if the
   * transaction is in doubt, since it is then resent to find out whether it is stored.
   */
  json(inDoubt: boolean): string {
    const { intake: { number }, ownership } = this.#membership;
    const holds = number !== undefined && ownership.holds(this.#owned);
    if (!holds && !inDoubt) throw notOwner("commit");
    const subscription = holds ? number : NO_SUBSCRIPTION;
    return JSON.stringify({ subscription, offsets: this.#offsets });
  }
}

/**
 * The error of a transaction with a commit, for the application: if the gateway does not know the
 * subscription (any more), the partitions belong to other members.
 */
export function claimError(error: WeirError): WeirError {
  return error.code === "unknown_subscription" ? notOwner("commit") : error;
}
