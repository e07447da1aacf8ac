/**
 * Creates, finds and deletes topics. A topic is one document and a head for each of its stripes,
 * created and deleted in the same atomic write. So an append to a deleted topic always fails: the
 * check of its head does.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import { type Host, newId } from "../host/host.ts";
import { TOPIC } from "../limits.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Mutation, Store } from "../store/store.ts";
import { type Decision, type Evidence, transact } from "../store/transact.ts";
import type { Topic } from "../types.ts";
import { emptyHead, emptyTrim, encodeHead, encodeTrim } from "./head.ts";

/** The configuration of a topic. Absent retention means unlimited. */
export interface TopicSpec {
  readonly partitions: number;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
}

/** Partitions that share one head, so that one write can check all heads of a topic. */
export function stripeWidth(partitions: number): number {
  return Math.max(TOPIC.stripeWidth, Math.ceil(partitions / TOPIC.stripes));
}

/** The number of a topic's stripes, each of which has a head. */
export function stripeCount(partitions: number): number {
  return Math.ceil(partitions / stripeWidth(partitions));
}

/** A topic is gone, whoever deleted it. */
export type TopicListener = (topic: Topic) => void;

export class Topics {
  readonly #store: Store;
  readonly #host: Host;
  readonly #autoPartitions: number;
  readonly #known = new Map<string, Topic>();
  readonly #ensuring = new Map<string, Promise<Topic>>();
  readonly #removed: TopicListener[] = [];
  #changed: (name: string) => void = () => {};

  /** `autoPartitions` 0: topics must be created. */
  constructor(store: Store, host: Host, autoPartitions: number) {
    this.#store = store;
    this.#host = host;
    this.#autoPartitions = autoPartitions;
  }

  /** The topic, if it is in memory. */
  cached(name: string): Topic | undefined {
    return this.#known.get(name);
  }

  /** Whether its name still refers to this topic, as far as this gateway knows. */
  isCurrent(topic: Topic): boolean {
    return this.#known.get(topic.name)?.id === topic.id;
  }

  async find(name: string): Promise<Topic | undefined> {
    if (this.#store.shared) return await this.refresh(name);
    return this.#known.get(name) ?? await this.#load(name);
  }

  /** The topic as it is in the store now; if it has replaced another one, that is gone. */
  async refresh(name: string): Promise<Topic | undefined> {
    const known = this.#known.get(name);
    const found = await this.#load(name);
    if (known && found?.id !== known.id) this.vanished(known);
    return found;
  }

  /** The topic is gone: another gateway may have deleted it. */
  vanished(topic: Topic): void {
    if (this.isCurrent(topic)) this.#known.delete(topic.name);
    for (const tell of this.#removed) tell(topic);
  }

  /** The topic, created if it may be; else throws `unknown_topic`. */
  async ensure(name: string): Promise<Topic> {
    const known = this.#known.get(name);
    if (known) return known;
    // Callers that want the same name meanwhile share one lookup, and go on in their order.
    let ensuring = this.#ensuring.get(name);
    if (!ensuring) {
      ensuring = this.#loadOrMake(name).finally(() => this.#ensuring.delete(name));
      this.#ensuring.set(name, ensuring);
    }
    return await ensuring;
  }

  /** Creates the topic, or sets the retention of the existing one. */
  create(name: string, spec: TopicSpec): Promise<{ topic: Topic; made: boolean }> {
    return this.#create(name, spec, "match");
  }

  /** Deletes the topic and with it its records; its space is freed in the background. */
  async remove(name: string): Promise<Topic | undefined> {
    const known = this.#known.get(name);
    const topic = await transact(this.#store, this.#host, {
      load: () => this.#document(name),
      decide: ({ found }) => found ? this.#removal(found) : { mutations: [], result: undefined },
    });
    if (topic) this.#removedHere(topic);
    if (known && known.id !== topic?.id) this.vanished(known);
    return topic;
  }

  async list(): Promise<Topic[]> {
    const found: Topic[] = [];
    for await (const { key, value } of scanAll(this.#store, keys.topics())) {
      found.push(decode(String(key.at(-1)), value));
    }
    return found;
  }

  onRemoved(listener: TopicListener): void {
    this.#removed.push(listener);
  }

  /** `listener` is told the name of each topic that is made, changed or deleted here. */
  onChanged(listener: (name: string) => void): void {
    this.#changed = listener;
  }

  #removal(topic: Topic): Decision<Topic> {
    return {
      mutations: removal(topic),
      evidence: tombstoneOf(topic),
      inDoubt: (settling) => {
        void settling.then((settled) => settled?.stored && this.#removedHere(topic));
      },
      result: topic,
    };
  }

  #removedHere(topic: Topic): void {
    this.vanished(topic);
    this.#changed(topic.name);
  }

  async #create(name: string, spec: TopicSpec, existing: "find" | "match") {
    const tried = new Set<string>();
    const result = await transact(this.#store, this.#host, {
      load: async () => {
        const { checks, found } = await this.#document(name);
        const id = newId(this.#host);
        tried.add(id);
        // If this is sent twice, the second must not bring back a topic that was deleted after the
        // first.
        return { checks: [...checks, { key: keys.tombstone(id), version: null }], found, id };
      },
      decide: ({ found, id }) => {
        const fresh: Topic = { name, id, ...spec };
        if (!found) return { mutations: creation(fresh), result: { topic: fresh, made: true } };
        if (tried.has(found.id)) return { mutations: [], result: { topic: found, made: true } };
        if (existing === "find") return { mutations: [], result: { topic: found, made: false } };
        if (found.partitions !== spec.partitions) {
          throw new GatewayError(
            "topic_exists",
            `Cannot make topic ${name} with ${spec.partitions} partitions: it has ${found.partitions}`,
          );
        }
        const topic: Topic = { name, id: found.id, ...spec };
        return { mutations: [document(topic)], result: { topic, made: false } };
      },
    });
    this.#known.set(name, result.topic);
    if (existing === "match") this.#changed(name);
    return result;
  }

  async #loadOrMake(name: string): Promise<Topic> {
    const found = await this.#load(name);
    if (found) return found;
    if (this.#autoPartitions === 0) throw unknownTopic(name);
    return (await this.#create(name, { partitions: this.#autoPartitions }, "find")).topic;
  }

  async #load(name: string): Promise<Topic | undefined> {
    const { found } = await this.#document(name);
    if (found) this.#known.set(name, found);
    return found;
  }

  async #document(name: string) {
    const key = keys.topic(name);
    const [entry] = await this.#store.read([key]);
    assert(entry, "a read answers every key");
    return {
      checks: [{ key, version: entry.version }],
      found: entry.value ? decode(name, entry.value) : undefined,
    };
  }
}

export function unknownTopic(name: string): GatewayError {
  return new GatewayError("unknown_topic", `There is no topic ${name}`);
}

export function isUnknownTopic(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "unknown_topic";
}

/** Throws `unknown_partition` unless the topic has it. */
export function requirePartition({ name, partitions }: Topic, partition: number): void {
  if (partition < partitions) return;
  const message = `There is no partition ${partition} in topic ${name}: it has ${partitions}`;
  throw new GatewayError("unknown_partition", message);
}

function creation(topic: Topic): Mutation[] {
  const width = stripeWidth(topic.partitions);
  const mutations: Mutation[] = [document(topic)];
  for (let stripe = 0; stripe < stripeCount(topic.partitions); stripe++) {
    const partitions = Math.min(width, topic.partitions - stripe * width);
    mutations.push(
      { type: "set", key: keys.head(topic.id, stripe), value: encodeHead(emptyHead(partitions)) },
      { type: "set", key: keys.trim(topic.id, stripe), value: encodeTrim(emptyTrim(partitions)) },
    );
  }
  return mutations;
}

function removal(topic: Topic): Mutation[] {
  const mutations: Mutation[] = [
    { type: "delete", key: keys.topic(topic.name) },
    { type: "set", key: keys.tombstone(topic.id), value: new TextEncoder().encode(topic.name) },
  ];
  for (let stripe = 0; stripe < stripeCount(topic.partitions); stripe++) {
    mutations.push({ type: "delete", key: keys.head(topic.id, stripe) });
  }
  return mutations;
}

/** If the tombstone is there, the deletion of the topic was stored. */
function tombstoneOf(topic: Topic): Evidence {
  return { key: keys.tombstone(topic.id), holds: () => true };
}

function document({ name, ...topic }: Topic): Mutation {
  const value = new TextEncoder().encode(JSON.stringify(topic));
  return { type: "set", key: keys.topic(name), value };
}

function decode(name: string, value: Uint8Array | undefined): Topic {
  return { name, ...JSON.parse(new TextDecoder().decode(value)) };
}
