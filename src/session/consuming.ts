/** The verbs of a session that is a member of groups: join, commit, release, leave. */

import type { Broker } from "../broker.ts";
import type { FrameOf } from "../protocol/frames.ts";
import type { Feed, Sink } from "../fanout/feed.ts";
import { SessionMember } from "./member.ts";
import type { Requests } from "./requests.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { subscriptionKey, topicKey, type Turnstile } from "./turnstile.ts";

export class Consuming {
  readonly #broker: Broker;
  readonly #requests: Requests;
  readonly #subscriptions: Subscriptions;
  readonly #turnstile: Turnstile;
  readonly #sink: Sink;

  constructor(
    broker: Broker,
    requests: Requests,
    subscriptions: Subscriptions,
    turnstile: Turnstile,
    sink: Sink,
  ) {
    this.#broker = broker;
    this.#requests = requests;
    this.#subscriptions = subscriptions;
    this.#turnstile = turnstile;
    this.#sink = sink;
  }

  join(frame: FrameOf<"join">): void {
    this.#turnstile.pass({ alone: frame.topics.map(topicKey) }, async (leave) => {
      let number: number | undefined;
      let feed: Feed | undefined;
      try {
        number = this.#subscriptions.reserve();
        feed = this.#broker.follow(number, frame, this.#sink);
        const member = new SessionMember(feed, this.#sink, this.#subscriptions);
        const membership = await this.#broker.join(frame, member);
        this.#subscriptions.add(number, { kind: "group", feed, membership });
        const subscription = number;
        number = undefined;
        const { member: id, epoch } = membership;
        this.#requests.ok(frame.id, { subscription, member: id, epoch });
        member.begin();
      } catch (error) {
        if (number !== undefined) this.#subscriptions.giveBack();
        feed?.close();
        this.#requests.fail(frame.id, this.#requests.asGatewayError(error));
      } finally {
        leave();
      }
    });
  }

  commit({ id, subscription, offsets }: FrameOf<"commit">): void {
    this.#turnstile.pass({ alone: [subscriptionKey(subscription)] }, (leave) => {
      try {
        const { membership } = this.#subscriptions.member(subscription);
        membership.commit(offsets, (result) => {
          leave();
          if (result.ok) this.#requests.ok(id, { offsets: result.offsets });
          else this.#requests.fail(id, result.error);
        });
      } catch (error) {
        leave();
        this.#requests.fail(id, this.#requests.asGatewayError(error));
      }
    });
  }

  /** Nobody waits for it: what cannot be released is ignored. */
  release({ id, subscription, partitions }: FrameOf<"release">): void {
    this.#turnstile.pass({ alone: [subscriptionKey(subscription)] }, (leave) => {
      const live = this.#subscriptions.find(subscription);
      if (live?.kind === "group") live.membership.release(partitions);
      if (id !== undefined) this.#requests.ok(id);
      leave();
    });
  }

  leave({ id, subscription }: FrameOf<"leave">): void {
    this.#turnstile.pass({ alone: [subscriptionKey(subscription)] }, async (leave) => {
      await this.#requests.settle(id, async () => {
        const { membership, feed } = this.#subscriptions.member(subscription);
        feed.close();
        await membership.leave();
        this.#subscriptions.remove(subscription);
      });
      leave();
    });
  }
}
