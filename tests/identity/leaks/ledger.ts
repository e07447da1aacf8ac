/**
 * All that was published, and who may know of it: each record bears a number in its value and its
 * headers, by which it is known wherever a piece of it stands.
 */

import type { Place, SentRecord } from "../../support/frames.ts";
import { murmur2 } from "../../support/murmur2.ts";
import type { Grants } from "../../support/token.ts";
import { covers, mayDescribe } from "./grants.ts";
import type { Item } from "./operations.ts";

/**
 * What others publish under keys, and in topics, that no token of the subject ever covers. With
 * "something else" there are other keys, values and headers of other sizes; and twice as many
 * records where it may not even know how many there are.
 */
export type Foreign = "as it is" | "something else";

interface Topic {
  readonly incarnation: string;
  readonly partitions: number;
}

export class Ledger {
  readonly #tokens: readonly Grants[];
  readonly #foreign: Foreign;
  readonly #topics = new Map<string, Topic>();
  /** Topic and key by number. */
  readonly #records: (readonly [topic: string, key: string | undefined])[] = [];
  /** By incarnation and partition: the keys by offset. */
  readonly #log = new Map<string, Map<number, string | undefined>>();

  constructor(tokens: readonly Grants[], foreign: Foreign) {
    this.#tokens = tokens;
    this.#foreign = foreign;
  }

  made(topic: string, incarnation: string, partitions: number): void {
    this.#topics.set(topic, { incarnation, partitions });
  }

  topic(name: string): Topic {
    return this.#topics.get(name) as Topic;
  }

  partitionOf(topic: string, key: string): number {
    return (murmur2(key) & 0x7fffffff) % this.topic(topic).partitions;
  }

  /** The records of a publish of the subject. */
  own(topic: string, items: readonly Item[]): SentRecord[] {
    return items.map((item) => this.#record(topic, item));
  }

  /** The records of a publish of others. */
  others(topic: string, items: readonly Item[]): SentRecord[] {
    const records = items.map((item) => {
      const isSeen = this.#tokens.some(({ subscribe }) => covers(subscribe, topic, item.key));
      const record = this.#record(topic, item);
      return this.#foreign === "as it is" || isSeen ? record : this.#another(record, item);
    });
    const isNamed = this.#tokens.some((grants) => mayDescribe(grants, topic));
    return this.#foreign === "as it is" || isNamed ? records : [...records, ...records];
  }

  #record(topic: string, { key, partition, size }: Item): SentRecord {
    const number = this.#records.push([topic, key]) - 1;
    const { partitions } = this.topic(topic);
    const byKey = key === undefined ? 0 : this.partitionOf(topic, key);
    return {
      ...key === undefined ? {} : { key },
      value: { record: `~${number}~`, padding: "p".repeat(size) },
      headers: { of: `~${number}~` },
      partition: partition === undefined ? byKey : partition % partitions,
    };
  }

  #another({ value, partition = 0 }: SentRecord, { size }: Item): SentRecord {
    return {
      ...size % 3 === 0 ? {} : { key: `elsewhere-${size}` },
      value: [value, "q".repeat(2 * size)],
      partition,
      ...size % 2 === 0 ? {} : { headers: { more: "h".repeat(size) } },
    };
  }

  stored(topic: string, records: readonly SentRecord[], places: readonly Place[]): void {
    for (const [i, [partition, offset]] of places.entries()) {
      const name = `${this.topic(topic).incarnation}/${partition}`;
      const kept = this.#log.get(name) ?? new Map();
      this.#log.set(name, kept.set(offset, records[i]?.key));
    }
  }

  /** The offsets of records with these keys from `from` on, before `until`; absent: of all. */
  offsets(
    { incarnation, partition }: { readonly incarnation: string; readonly partition: number },
    keys: readonly string[] | undefined,
    [from, until]: readonly [from: number, until: number],
  ): number[] {
    return [...this.#log.get(`${incarnation}/${partition}`) ?? []]
      .filter(([offset]) => offset >= from && offset < until)
      .filter(([, key]) => !keys || key !== undefined && keys.includes(key))
      .map(([offset]) => offset).sort((a, b) => a - b);
  }

  /** The topic and the key of every record that this text has something of. */
  recordsIn(text: string): (readonly [topic: string, key: string | undefined])[] {
    return [...text.matchAll(/~(\d+)~/g)].map(([, number]) => this.#records[Number(number)]!);
  }
}
