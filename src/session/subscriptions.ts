/** What a session follows: fan-out subscriptions and memberships of groups, by their numbers. */

import { GatewayError } from "../errors.ts";
import type { PartitionHead } from "../fanout/cursor.ts";
import type { Feed } from "../fanout/feed.ts";
import type { Membership } from "../group/membership.ts";
import { ADVERTISED, SESSION } from "../limits.ts";
import type { Action } from "../identity/rights.ts";

export interface FanOut {
  readonly kind: "fan-out";
  /** The right that its session must have. */
  readonly needs: Action;
  readonly feed: Feed;
}

export interface GroupMember {
  readonly kind: "group";
  readonly needs: Action;
  readonly feed: Feed;
  readonly membership: Membership;
}

export type Subscription = FanOut | GroupMember;

export class Subscriptions {
  readonly #live = new Map<number, Subscription>();
  #last = 0;
  /** Numbers that are reserved and not live yet. */
  #pending = 0;
  #ended = false;
  /** Until then no heads are looked at, on the monotonic clock. */
  #headsAt = -Infinity;

  /** A number that was never used in this session; `add` or `giveBack` must follow. */
  reserve(): number {
    if (this.#live.size + this.#pending >= ADVERTISED.subscriptions) {
      throw new GatewayError(
        "too_many_subscriptions",
        `A session may have ${ADVERTISED.subscriptions} subscriptions`,
      );
    }
    this.#pending++;
    return ++this.#last;
  }

  /** Throws `too_many_subscriptions` unless that many more partitions may be followed. */
  requireRoom(partitions: number): void {
    let followed = partitions;
    for (const { kind, feed } of this.#live.values()) {
      if (kind === "fan-out") followed += feed.partitionCount;
    }
    if (followed <= SESSION.partitions) return;
    throw new GatewayError(
      "too_many_subscriptions",
      `The subscriptions of a session may follow ${SESSION.partitions} partitions together`,
    );
  }

  add(number: number, subscription: Subscription): void {
    this.#pending--;
    if (this.#ended) close(subscription);
    else this.#live.set(number, subscription);
  }

  giveBack(): void {
    this.#pending--;
  }

  find(number: number): Subscription | undefined {
    return this.#live.get(number);
  }

  get(number: number): Subscription {
    const subscription = this.#live.get(number);
    if (subscription) return subscription;
    throw new GatewayError("unknown_subscription", `There is no subscription ${number}`);
  }

  member(number: number): GroupMember {
    const subscription = this.get(number);
    if (subscription.kind === "group") return subscription;
    throw new GatewayError(
      "unknown_subscription",
      `Subscription ${number} is not a membership of a group`,
    );
  }

  get haveEnded(): boolean {
    return this.#ended;
  }

  /** The session is over: all of them are. */
  end(): void {
    this.#ended = true;
    for (const subscription of this.#live.values()) close(subscription);
    this.#live.clear();
  }

  remove(number: number): void {
    this.#live.get(number)?.feed.close();
    this.#live.delete(number);
  }

  /**
   * By subscription, the partitions whose position or end has changed since the last report. After
   * a look at very many of them nothing is reported for a while; later calls report the changes.
   */
  heads(now: number): Record<string, readonly PartitionHead[]> {
    const heads: Record<string, readonly PartitionHead[]> = {};
    if (now < this.#headsAt) return heads;
    let looked = 0;
    for (const [number, { feed }] of this.#live) {
      const changed = feed.heads();
      if (changed.length > 0) heads[number] = changed;
      looked += feed.partitionCount;
    }
    this.#headsAt = now + Math.floor(looked / SESSION.headsPerMs);
    return heads;
  }

  entries(): IterableIterator<[number, Subscription]> {
    return this.#live.entries();
  }
}

function close(subscription: Subscription): void {
  subscription.feed.close();
  if (subscription.kind === "group") subscription.membership.disconnected();
}
