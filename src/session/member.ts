/**
 * A group member of a session: what the group tells it becomes pushes, and its feed follows the
 * assigned partitions. Nothing is pushed before `begin`, since the `ok` of the join goes first.
 */

import type { GatewayError } from "../errors.ts";
import type { Feed, Sink } from "../fanout/feed.ts";
import type { Assigned, GroupPartition, MemberPort } from "../group/member_port.ts";
import { pushFrame } from "../protocol/codec.ts";
import type { Subscriptions } from "./subscriptions.ts";

export class SessionMember implements MemberPort {
  readonly #feed: Feed;
  readonly #sink: Sink;
  readonly #subscriptions: Subscriptions;
  /** What was told before the `ok` of the join was sent; undefined after that. */
  #early: (() => void)[] | undefined = [];

  constructor(feed: Feed, sink: Sink, subscriptions: Subscriptions) {
    this.#feed = feed;
    this.#sink = sink;
    this.#subscriptions = subscriptions;
  }

  get isGone(): boolean {
    return this.#subscriptions.haveEnded;
  }

  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const tell of early) tell();
  }

  assign(epoch: number, partitions: readonly Assigned[]): void {
    this.#tell(() => {
      this.#push("assign", {
        epoch,
        partitions: partitions.map(({ topic, partition, offset, end }) => ({
          topic: topic.name,
          partition,
          offset,
          end,
          incarnation: topic.id,
        })),
      });
      for (const { topic, partition, offset } of partitions) {
        this.#feed.add(topic, partition, offset);
      }
    });
  }

  revoke(epoch: number, partitions: readonly GroupPartition[], deadlineMs: number): void {
    this.#tell(() => {
      this.#drop(partitions);
      this.#push("revoke", { epoch, partitions: named(partitions), deadlineMs });
    });
  }

  lost(epoch: number, partitions: readonly GroupPartition[]): void {
    this.#tell(() => {
      this.#drop(partitions);
      this.#push("revoke", { epoch, partitions: named(partitions), deadlineMs: 0, lost: true });
    });
  }

  end(error: GatewayError): void {
    this.#tell(() => {
      const { code, message, retry } = error;
      this.#subscriptions.remove(this.#feed.subscription);
      this.#push("end", { code, message, retry });
    });
  }

  #tell(tell: () => void): void {
    if (this.#early) this.#early.push(tell);
    else tell();
  }

  #drop(partitions: readonly GroupPartition[]): void {
    for (const { topic, partition } of partitions) this.#feed.remove(topic.name, partition);
  }

  #push(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#sink.push(pushFrame(type, { subscription: this.#feed.subscription, ...fields }));
  }
}

function named(partitions: readonly GroupPartition[]) {
  return partitions.map(({ topic, partition }) => ({ topic: topic.name, partition }));
}
