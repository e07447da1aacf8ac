/** The verbs of a session that read: subscribe, unsubscribe, seek, credit. */

import { GatewayError } from "../errors.ts";
import type { Action } from "../identity/rights.ts";
import { SESSION } from "../limits.ts";
import { pushFrame } from "../protocol/codec.ts";
import type { FrameOf } from "../protocol/frames.ts";
import type { Parts } from "./parts.ts";
import type { Subscription } from "./subscriptions.ts";

/** Credit that came behind a seek, and takes effect after it. */
interface HeldCredit {
  records: number;
  bytes: number;
}

export class Reading {
  readonly #parts: Parts;
  /** By subscription, of its last seek that is not done yet. */
  readonly #heldCredit = new Map<number, HeldCredit>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  subscribe(frame: FrameOf<"subscribe">): void {
    const { id, topic: name, keys } = frame;
    const needs: Action = { verb: "read", topic: name, keys };
    this.#parts.turnstile.pass({ alone: [name] }, async (leave) => {
      let number: number | undefined;
      try {
        this.#parts.who.identity.rights.require(needs);
        number = this.#parts.subscriptions.reserve();
        const topic = await this.#parts.broker.ensureTopic(name);
        const places = await this.#parts.broker.placesToRead(topic, frame);
        // From here on nothing is awaited, so that no record is missed between the reply and the
        // delivery.
        this.#parts.who.identity.rights.require(needs);
        const positions = places();
        this.#parts.rest.add(Math.floor(positions.length / SESSION.subscribedPerMs));
        this.#parts.subscriptions.requireRoom(positions.length);
        const feed = this.#parts.broker.follow({
          ...frame,
          subscription: number,
          topic,
          ended: () => this.end(feed.subscription, topicDeleted()),
        }, this.#parts.sink);
        this.#parts.subscriptions.add(number, { kind: "fan-out", needs, feed });
        number = undefined;
        this.#parts.requests.ok(id, {
          subscription: feed.subscription,
          positions: positions.map((position) => ({ topic: topic.name, ...position })),
          incarnation: topic.id,
          recovered: positions.every(({ reset }) => reset === undefined),
        });
        for (const { partition, offset } of positions) feed.add(topic, partition, offset);
      } catch (error) {
        if (number !== undefined) this.#parts.subscriptions.giveBack();
        this.#parts.requests.refuse(id, error);
      } finally {
        leave();
      }
    });
  }

  unsubscribe({ id, subscription }: FrameOf<"unsubscribe">): void {
    this.#inTurn(id, subscription, async () => {
      if (this.#parts.subscriptions.get(subscription).kind !== "fan-out") {
        throw new GatewayError(
          "unknown_subscription",
          `Subscription ${subscription} is a membership of a group: use leave`,
        );
      }
      this.#parts.subscriptions.remove(subscription);
    });
  }

  seek({ id, subscription, partitions }: FrameOf<"seek">): void {
    const alone = [subscription, ...partitions.map(({ topic }) => topic)];
    const held = { records: 0, bytes: 0 };
    this.#heldCredit.set(subscription, held);
    this.#parts.turnstile.pass({ alone }, async (leave) => {
      try {
        const { feed } = await this.#mayGoTo(subscription, partitions);
        // In this order: pushes before the reply are from the old position, those after it from the
        // new one.
        this.#parts.requests.ok(id);
        feed.seek(partitions);
      } catch (error) {
        this.#parts.requests.refuse(id, error);
      } finally {
        if (this.#heldCredit.get(subscription) === held) this.#heldCredit.delete(subscription);
        this.#grant(subscription, held);
        leave();
      }
    });
  }

  /** The subscription, if it can seek to all these positions. */
  async #mayGoTo(
    subscription: number,
    partitions: FrameOf<"seek">["partitions"],
  ): Promise<Subscription> {
    const live = this.#parts.subscriptions.get(subscription);
    // All at once, so that they share one look at what other gateways have appended.
    await Promise.all(partitions.map(async ({ topic, partition, offset }) => {
      const followed = live.feed.followed(topic, partition);
      if (!followed) throw notFollowed(live, topic, partition);
      const { start, next } = await this.#parts.broker.bounds(followed, partition);
      if (offset <= next) return;
      throw new GatewayError(
        "offset_out_of_range",
        `Cannot seek to ${offset} of ${topic}/${partition}: the log ends at ${next}`,
        { start, next },
      );
    }));
    return live;
  }

  credit({ id, subscription, records = 0, bytes = 0 }: FrameOf<"credit">): void {
    if (id !== undefined) this.#parts.requests.ok(id);
    const held = this.#heldCredit.get(subscription);
    if (!held) return this.#grant(subscription, { records, bytes });
    held.records += records;
    held.bytes += bytes;
  }

  #grant(subscription: number, { records, bytes }: HeldCredit): void {
    this.#parts.subscriptions.find(subscription)?.feed.grant(records, bytes);
  }

  /** Ends a fan-out subscription: nothing more of it is pushed. */
  end(subscription: number, { code, message, retry }: GatewayError): void {
    this.#parts.subscriptions.remove(subscription);
    this.#parts.sink.push(pushFrame("end", { subscription, code, message, retry }));
  }

  /** Runs when all earlier frames on this subscription are done, and answers. */
  #inTurn(
    id: number | undefined,
    subscription: number,
    work: () => Promise<void>,
  ): void {
    this.#parts.turnstile.pass({ alone: [subscription] }, async (leave) => {
      await this.#parts.requests.settle(id, work);
      leave();
    });
  }
}

function topicDeleted(): GatewayError {
  return new GatewayError("unknown_topic", "The topic was deleted");
}

function notFollowed(live: Subscription, topic: string, partition: number): GatewayError {
  return live.kind === "group"
    ? new GatewayError("not_owner", `Partition ${topic}/${partition} is not assigned here`)
    : new GatewayError("unknown_partition", `Partition ${topic}/${partition} is not followed here`);
}
