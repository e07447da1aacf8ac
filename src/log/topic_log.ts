/**
 * A topic's stripes in memory. They are loaded together on first use; appends to the topic wait
 * meanwhile, in order.
 */

import { assert } from "../assert.ts";
import type { GatewayError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Topic } from "../types.ts";
import type { EntryCache } from "./entry_cache.ts";
import { Stripe } from "./stripe.ts";
import { stripeCount, stripeWidth } from "./topics.ts";

export class TopicLog {
  readonly topic: Topic;
  readonly #width: number;
  /** Empty until all are loaded. */
  stripes: readonly Stripe[] = [];
  readonly loaded: Promise<TopicLog>;
  /** Why nothing can be appended any more: the topic was deleted. */
  ended: GatewayError | undefined;
  /** The partition of the next publish that has neither key nor producer. */
  #turn = 0;

  constructor(store: Store, topic: Topic, tail: EntryCache) {
    this.topic = topic;
    this.#width = stripeWidth(topic.partitions);
    this.loaded = this.#load(store, tail);
  }

  get ready(): boolean {
    return this.stripes.length > 0;
  }

  stripeOf(partition: number): Stripe {
    const stripe = this.stripes[Math.floor(partition / this.#width)];
    assert(stripe, "a partition is looked up in a topic that has it, once it is loaded");
    return stripe;
  }

  /** The partition for a publish without key or producer: round robin. */
  nextPartition(): number {
    const partition = this.#turn;
    this.#turn = (partition + 1) % this.topic.partitions;
    return partition;
  }

  async #load(store: Store, tail: EntryCache): Promise<TopicLog> {
    const { topic } = this;
    const indexes = Array.from({ length: stripeCount(topic.partitions) }, (_, i) => i);
    this.stripes = await Promise.all(indexes.map((i) => Stripe.load(store, topic, i, tail)));
    return this;
  }
}
