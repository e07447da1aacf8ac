/** The verbs of a session that is a member of groups: join, commit, release, leave. */

import { GatewayError } from "../errors.ts";
import { type Action, noLongerAllowed } from "../identity/rights.ts";
import { scopedName } from "../identity/scoped_name.ts";
import { pushFrame } from "../protocol/codec.ts";
import type { FrameOf } from "../protocol/frames.ts";
import type { Membership } from "../group/membership.ts";
import type { Parts } from "./parts.ts";
import { SessionMember } from "./member.ts";

export class Consuming {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  join(frame: FrameOf<"join">): void {
    const { requests, subscriptions, turnstile, who } = this.#parts;
    const { group, topics, instance } = frame;
    const needs: Action = { verb: "join", group, topics };
    const own = instance === undefined
      ? {}
      : { instance: scopedName(who.identity.subject, instance) };
    let number: number;
    let arrived: () => void;
    try {
      who.identity.rights.require(needs);
      number = subscriptions.reserve();
      arrived = this.#arrive(group, own.instance);
    } catch (error) {
      return requests.refuse(frame.id, error);
    }
    turnstile.pass({ alone: topics }, async (leave) => {
      try {
        await this.#enter({ ...frame, ...own }, number, needs);
      } catch (error) {
        requests.refuse(frame.id, error);
      } finally {
        arrived();
        leave();
      }
    });
  }

  /** Joins under a reserved subscription number. */
  async #enter(frame: FrameOf<"join">, number: number, needs: Action): Promise<void> {
    const { broker, requests, subscriptions, sink, who } = this.#parts;
    const feed = broker.follow({ ...frame, subscription: number }, sink);
    const member = new SessionMember(feed, sink, subscriptions);
    let membership: Membership;
    try {
      if (member.isGone) throw sessionOver();
      membership = await broker.join(frame, member);
    } catch (error) {
      subscriptions.giveBack();
      feed.close();
      throw error;
    }
    subscriptions.add(number, { kind: "group", needs, feed, membership });
    requests.ok(frame.id, {
      subscription: number,
      member: membership.member,
      epoch: membership.epoch,
    });
    member.begin();
    if (!who.identity.rights.allows(needs)) this.end(number, noLongerAllowed());
  }

  /** As `Broker.arrive`; if it throws, the reserved subscription number is given back. */
  #arrive(group: string, instance: string | undefined): () => void {
    try {
      return this.#parts.broker.arrive(group, instance);
    } catch (error) {
      this.#parts.subscriptions.giveBack();
      throw error;
    }
  }

  /** Commits share their subscription: the group keeps their order and merges them. */
  commit({ id, subscription, offsets }: FrameOf<"commit">): void {
    this.#parts.turnstile.pass({ shared: [subscription] }, (leave) => {
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
    this.#parts.turnstile.pass({ alone: [subscription] }, (leave) => {
      const live = this.#parts.subscriptions.find(subscription);
      if (live?.kind === "group") live.membership.release(partitions);
      this.#parts.requests.ok(id);
      leave();
    });
  }

  /** Ends a membership without its member's consent: its partitions go to others. */
  end(subscription: number, { code, message, retry }: GatewayError): void {
    const { membership } = this.#parts.subscriptions.member(subscription);
    this.#parts.subscriptions.remove(subscription);
    this.#parts.sink.push(pushFrame("end", { subscription, code, message, retry }));
    membership.leave().catch(() => {}); // then it goes as if its socket were closed
  }

  leave({ id, subscription }: FrameOf<"leave">): void {
    this.#parts.turnstile.pass({ alone: [subscription] }, async (leave) => {
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

/** The session has ended before it could join. */
function sessionOver(): GatewayError {
  return new GatewayError("unavailable", "The session is over", { retry: "reconnect" });
}
