/** The verbs of a session that is a member of groups: join, commit, release, leave. */

import type { FrameOf } from "../protocol/frames.ts";
import type { Feed } from "../fanout/feed.ts";
import type { Parts } from "./parts.ts";
import { SessionMember } from "./member.ts";
import { subscriptionKey, topicKey } from "./turnstile.ts";

export class Consuming {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  join(frame: FrameOf<"join">): void {
    const { broker, requests, subscriptions, turnstile, sink } = this.#parts;
    turnstile.pass({ alone: frame.topics.map(topicKey) }, async (leave) => {
      let begun: { number: number; feed: Feed } | undefined;
      try {
        const number = subscriptions.reserve();
        const feed = broker.follow(number, frame, sink);
        begun = { number, feed };
        const member = new SessionMember(feed, sink, subscriptions);
        const membership = await broker.join(frame, member);
        subscriptions.add(number, { kind: "group", feed, membership });
        begun = undefined;
        const { member: id, epoch } = membership;
        requests.ok(frame.id, { subscription: number, member: id, epoch });
        member.begin();
      } catch (error) {
        if (begun) subscriptions.giveBack();
        begun?.feed.close();
        requests.refuse(frame.id, error);
      } finally {
        leave();
      }
    });
  }

  commit({ id, subscription, offsets }: FrameOf<"commit">): void {
    this.#parts.turnstile.pass({ alone: [subscriptionKey(subscription)] }, (leave) => {
      try {
        const { membership } = this.#parts.subscriptions.member(subscription);
        membership.commit(offsets, (result) => {
          leave();
          if (result.ok) this.#parts.requests.ok(id, { offsets: result.offsets });
          else this.#parts.requests.fail(id, result.error);
        });
      } catch (error) {
        leave();
        this.#parts.requests.refuse(id, error);
      }
    });
  }

  /** Nobody waits for it: what cannot be released is ignored. */
  release({ id, subscription, partitions }: FrameOf<"release">): void {
    this.#parts.turnstile.pass({ alone: [subscriptionKey(subscription)] }, (leave) => {
      const live = this.#parts.subscriptions.find(subscription);
      if (live?.kind === "group") live.membership.release(partitions);
      if (id !== undefined) this.#parts.requests.ok(id);
      leave();
    });
  }

  leave({ id, subscription }: FrameOf<"leave">): void {
    this.#parts.turnstile.pass({ alone: [subscriptionKey(subscription)] }, async (leave) => {
      await this.#parts.requests.settle(id, async () => {
        const { membership, feed } = this.#parts.subscriptions.member(subscription);
        feed.close();
        await membership.leave();
        this.#parts.subscriptions.remove(subscription);
      });
      leave();
    });
  }
}
