/**
 * The logs of the made-up world, which are always correct: what is appended is there once, in
 * order.
 */

import type { Place, ProducerStamp, Send } from "../history.ts";

export interface ModelPartition {
  readonly values: string[];
  start: number;
}

/** A send with the partition of each record, which a retry must repeat. */
export interface Routed extends Send {
  readonly partitions: readonly number[];
}

export class ModelTopic {
  readonly name: string;
  readonly incarnation: string;
  readonly partitions: readonly ModelPartition[];
  /** For each producer, epoch and sequence, where it was stored. */
  readonly stored = new Map<string, readonly Place[]>();
  /** For each producer, its highest epoch, and the highest sequence in it. */
  readonly newest = new Map<string, ProducerStamp>();

  constructor(name: string, incarnation: string, partitions: number) {
    this.name = name;
    this.incarnation = incarnation;
    this.partitions = Array.from({ length: partitions }, () => ({ values: [], start: 0 }));
  }
}

export type Appended =
  | { readonly places: readonly (readonly Place[])[]; readonly duplicate: boolean }
  | undefined;

export class ModelStore {
  readonly topics = new Map<string, ModelTopic>();
  #incarnation = 0;

  create(name: string, partitions: number): ModelTopic {
    const topic = new ModelTopic(name, `${name}-${++this.#incarnation}`, partitions);
    this.topics.set(name, topic);
    return topic;
  }

  topic(name: string): ModelTopic {
    const topic = this.topics.get(name);
    if (!topic) throw new Error(`There is no topic ${name}`);
    return topic;
  }

  partition(name: string, partition: number): ModelPartition {
    const found = this.topic(name).partitions[partition];
    if (!found) throw new Error(`There is no partition ${partition} in ${name}`);
    return found;
  }

  /** Stores all of it, or finds it stored; undefined if it must not be stored. */
  append(sends: readonly Routed[]): Appended {
    const known = sends.map(({ topic, producer }) =>
      producer && this.topic(topic).stored.get(keyOf(producer))
    );
    if (known.every((places) => places !== undefined)) {
      return { places: known.map((places) => places ?? []), duplicate: true };
    }
    // Some parts were stored in a topic that was deleted since, or it is too late.
    if (known.some((places) => places !== undefined)) return undefined;
    for (const { topic, producer } of sends) {
      const newest = producer && this.topic(topic).newest.get(producer.id);
      if (newest && isOlder(producer, newest)) return undefined;
    }
    return { places: sends.map((send) => this.#store(send)), duplicate: false };
  }

  #store({ topic: name, values, partitions, producer }: Routed): readonly Place[] {
    const topic = this.topic(name);
    const places = values.map((value, i): Place => {
      const partition = partitions[i] ?? 0;
      return [partition, this.partition(name, partition).values.push(value) - 1];
    });
    if (producer) {
      topic.stored.set(keyOf(producer), places);
      topic.newest.set(producer.id, producer);
    }
    return places;
  }
}

function isOlder(one: ProducerStamp, other: ProducerStamp): boolean {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.sequence < other.sequence);
}

function keyOf({ id, epoch, sequence }: ProducerStamp): string {
  return `${id} ${epoch} ${sequence}`;
}
