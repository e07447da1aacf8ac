/** The verbs of a session that read: subscribe, unsubscribe, seek, credit. */

import type { Broker } from "../broker.ts";
import { GatewayError } from "../errors.ts";
import type { Feed, Sink } from "../fanout/feed.ts";
import { pushFrame } from "../protocol/codec.ts";
import type { FrameOf } from "../protocol/frames.ts";
import type { Requests } from "./requests.ts";
import type { Subscription, Subscriptions } from "./subscriptions.ts";
import { subscriptionKey, topicKey, type Turnstile } from "./turnstile.ts";

export class Reading {
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

  subscribe(frame: FrameOf<"subscribe">): void {
    const { id } = frame;
    this.#turnstile.pass({ alone: [topicKey(frame.topic)] }, async (leave) => {
      let number: number | undefined;
      try {
        number = this.#subscriptions.reserve();
        const topic = await this.#broker.ensureTopic(frame.topic);
        const places = await this.#broker.placesToRead(topic, frame);
        // From here on nothing is awaited, so that nothing falls between the answer and the delivery.
        const positions = places();
        const feed = this.#broker.follow(number, frame, this.#sink, () => this.#end(feed));
        this.#subscriptions.add(number, { kind: "fan-out", topic, feed });
        number = undefined;
        this.#requests.ok(id, {
          subscription: feed.subscription,
          positions: positions.map((position) => ({ topic: topic.name, ...position })),
          incarnation: topic.id,
          recovered: positions.every(({ reset }) => reset === undefined),
        });
        for (const { partition, offset } of positions) feed.add(topic, partition, offset);
      } catch (error) {
        if (number !== undefined) this.#subscriptions.giveBack();
        this.#requests.fail(id, this.#requests.asGatewayError(error));
      } finally {
        leave();
      }
    });
  }

  unsubscribe({ id, subscription }: FrameOf<"unsubscribe">): void {
    this.#inTurn(id, subscription, async () => {
      if (this.#subscriptions.get(subscription).kind !== "fan-out") {
        throw new GatewayError(
          "unknown_subscription",
          `Subscription ${subscription} is a membership of a group: use leave`,
        );
      }
      this.#subscriptions.remove(subscription);
    });
  }

  seek({ id, subscription, partitions }: FrameOf<"seek">): void {
    const alone = [
      subscriptionKey(subscription),
      ...partitions.map(({ topic }) => topicKey(topic)),
    ];
    this.#turnstile.pass({ alone }, async (leave) => {
      try {
        const { feed } = await this.#mayGoTo(subscription, partitions);
        // In this order: what is pushed before the answer is of the old place, what follows of the new.
        this.#requests.ok(id);
        feed.seek(partitions);
      } catch (error) {
        this.#requests.fail(id, this.#requests.asGatewayError(error));
      } finally {
        leave();
      }
    });
  }

  /** The subscription, if all these places are there. */
  async #mayGoTo(
    subscription: number,
    partitions: FrameOf<"seek">["partitions"],
  ): Promise<Subscription> {
    const live = this.#subscriptions.get(subscription);
    for (const { topic, partition, offset } of partitions) {
      const followed = live.feed.followed(topic, partition);
      if (!followed) throw notFollowed(live, topic, partition);
      const { start, next } = await this.#broker.bounds(followed, partition);
      if (offset > next) {
        throw new GatewayError(
          "offset_out_of_range",
          `Cannot seek to ${offset} of ${topic}/${partition}: the log ends at ${next}`,
          { start, next },
        );
      }
    }
    return live;
  }

  credit({ id, subscription, records = 0, bytes = 0 }: FrameOf<"credit">): void {
    const live = this.#subscriptions.find(subscription);
    if (id !== undefined) {
      if (live) this.#requests.ok(id);
      else {
        this.#requests.fail(
          id,
          new GatewayError("unknown_subscription", `There is no subscription ${subscription}`),
        );
      }
    }
    live?.feed.grant(records, bytes);
  }

  /** The topic of a fan-out subscription was deleted. */
  #end({ subscription }: Feed): void {
    const { code, message, retry } = new GatewayError("unknown_topic", "The topic was deleted");
    this.#subscriptions.remove(subscription);
    this.#sink.push(pushFrame("end", { subscription, code, message, retry }));
  }

  /** Runs when all earlier frames on this subscription are done, and answers. */
  #inTurn(
    id: number | undefined,
    subscription: number,
    work: () => Promise<void>,
  ): void {
    this.#turnstile.pass({ alone: [subscriptionKey(subscription)] }, async (leave) => {
      await this.#requests.settle(id, work);
      leave();
    });
  }
}

function notFollowed(live: Subscription, topic: string, partition: number): GatewayError {
  return live.kind === "group"
    ? new GatewayError("not_owner", `Partition ${topic}/${partition} is not assigned here`)
    : new GatewayError("unknown_partition", `Partition ${topic}/${partition} is not followed here`);
}
