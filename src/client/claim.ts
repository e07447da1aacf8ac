/**
 * The commit of a transaction, and the right to it. A transaction that is sent again after its
 * partition was lost, and perhaps came back, must not be stored then: others have dealt with the same
 * records meanwhile. But it may have been stored before, and only a repeat can tell: so the repeat
 * names a subscription that there never is, with which it finds what is stored and stores nothing.
 */

import type { OffsetToCommit } from "./commits.ts";
import { notOwner, type WeirError } from "./errors.ts";
import type { Hands } from "./hands.ts";
import type { Owned, Ownership } from "./ownership.ts";

/** What it wants of the membership whose offsets it commits. */
export interface Claimed {
  readonly ownership: Ownership;
  readonly hands: Pick<Hands<unknown>, "owned">;
  readonly intake: { readonly number: number | undefined };
  /** It is known what it owns, or it is over. */
  readonly isSettled: boolean;
  /** Calls `run` once, when it is settled. */
  whenSettled(run: () => void): void;
}

const NO_SUBSCRIPTION = 0;

export class Claim {
  readonly #membership: Claimed;
  readonly #offsets: readonly OffsetToCommit[];
  /** As they were when the transaction was asked for. */
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
   * Its JSON. Throws `not_owner` if the partitions are not owned as they were, unless the transaction
   * is in doubt, and it is to be found out whether it is stored.
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
 * The error of a transaction that commits, as its application is to see it: that the gateway does not
 * know the subscription (any more) means that its partitions are somebody else's.
 */
export function claimError(error: WeirError): WeirError {
  return error.code === "unknown_subscription" ? notOwner("commit") : error;
}
