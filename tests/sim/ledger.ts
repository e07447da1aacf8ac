/** What applications were told by the client, and what must be true of it in the end. */

import type { RecordPlace, RecordToPublish, WeirError } from "../../src/client/mod.ts";
import type { Stored } from "./gateway_site.ts";
import type { Surroundings } from "./world.ts";

interface Begun {
  readonly topic: string;
  /** Its producer, which stores things once and in order. */
  readonly producer: string | undefined;
  readonly key: string;
  /** Its place in the order in which the producer published. */
  readonly turn: number;
}

export class Ledger {
  readonly #world: Surroundings;
  readonly #begun = new Map<string, Begun>();
  readonly #places = new Map<string, string>();
  readonly #neverStored = new Set<string>();
  readonly #mayBeStored = new Set<string>();
  readonly #seen = new Map<string, string>();
  readonly #ends = new Map<string, Map<number, number>>();
  #turn = 0;
  topics: readonly string[] = [];
  readonly violations: string[] = [];
  readonly counts = {
    acknowledged: 0,
    refused: 0,
    inDoubt: 0,
    committed: 0,
    passedOn: 0,
    transactionsRefused: 0,
  };

  constructor(world: Surroundings) {
    this.#world = world;
  }

  violation(text: string): void {
    this.#world.trace(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  begun(topic: string, producer: string | undefined, records: readonly RecordToPublish[]): void {
    for (const { key = "", value } of records) {
      this.#begun.set(String(value), { topic, producer, key, turn: this.#turn++ });
    }
  }

  acknowledged(topic: string, values: readonly string[], places: readonly RecordPlace[]): void {
    this.counts.acknowledged += values.length;
    if (places.length !== values.length) this.violation(`${values} got ${places.length} places`);
    for (const [i, value] of values.entries()) {
      const { partition, offset } = places[i] ?? { partition: -1, offset: -1 };
      this.#places.set(value, `${topic}/${partition}/${offset}`);
    }
    this.#world.trace(`acknowledged ${values}`);
  }

  refused(values: readonly string[], { code, effect }: WeirError): void {
    for (const value of values) {
      if (effect === "none") this.#neverStored.add(value);
      else this.#mayBeStored.add(value);
      if (this.#begun.get(value)?.producer !== undefined) {
        this.violation(`${value} of a producer was given up: ${code}`);
      }
    }
    this.counts[effect === "none" ? "refused" : "inDoubt"] += values.length;
    this.#world.trace(`refused ${values}: ${code}`);
  }

  read(topic: string, partition: number, offset: number, value: string): void {
    const place = `${topic}/${partition}/${offset}`;
    const known = this.#seen.get(place);
    if (known !== undefined && known !== value) {
      this.violation(`at ${place} there is ${value}, and there was ${known}`);
    }
    this.#seen.set(place, value);
  }

  passed(count: number): void {
    this.counts.passedOn += count;
  }

  ends(topic: string): ReadonlyMap<number, number> {
    return this.#ends.get(topic) ?? new Map();
  }

  /** Holds the log against what was told. */
  check(log: readonly Stored[], passedOn: string): void {
    const stored = new Map<string, string>();
    const turns = new Map<string, number>();
    const copies = new Set<string>();
    for (const { topic, partition, offset, value: given } of log) {
      const value = String(given);
      const place = `${topic}/${partition}/${offset}`;
      const ends = this.#ends.get(topic) ?? new Map<number, number>();
      this.#ends.set(topic, ends.set(partition, offset + 1));
      if (topic === passedOn) {
        if (copies.has(value)) this.violation(`${value} came out twice, at ${place} too`);
        copies.add(value);
        continue;
      }
      const begun = this.#begun.get(value);
      if (!begun) this.violation(`${value} at ${place} was published by nobody`);
      if (this.#neverStored.has(value)) {
        this.violation(`${value} is stored, and was said not to be`);
      }
      if (stored.has(value)) this.violation(`${value} is at ${stored.get(value)} and at ${place}`);
      stored.set(value, place);
      if (!begun?.producer) continue;
      const line = `${begun.producer} ${topic} ${partition}`;
      if (begun.turn < (turns.get(line) ?? -1)) {
        this.violation(`${value} at ${place} is out of order`);
      }
      turns.set(line, begun.turn);
    }
    for (const [value, place] of this.#places) {
      if (stored.get(value) !== place) {
        this.violation(`${value} was acknowledged at ${place}, and is at ${stored.get(value)}`);
      }
    }
    for (const [place, value] of this.#seen) {
      const at = stored.get(value);
      if (at !== place) this.violation(`${value} was read at ${place}, and is at ${at}`);
    }
    this.#checkPassedOn(log, copies);
    for (const [value, { producer }] of this.#begun) {
      if (producer !== undefined && !stored.has(value)) this.violation(`${value} is lost`);
    }
  }

  /** Everything that was to be passed on was, once. */
  #checkPassedOn(log: readonly Stored[], copies: ReadonlySet<string>): void {
    for (const { topic, value } of log) {
      if (topic === "a" && !copies.has(`copy of ${value}`)) {
        this.violation(`${value} never came out`);
      }
    }
  }

  /** Every record was dealt with by some member of the group. */
  checkDealtWith(members: readonly ReadonlyMap<string, ReadonlySet<number>>[], partitions: number) {
    for (const topic of this.topics) {
      for (let partition = 0; partition < partitions; partition++) {
        const name = `${topic}/${partition}`;
        const end = this.ends(topic).get(partition) ?? 0;
        for (let offset = 0; offset < end; offset++) {
          if (members.some((dealt) => dealt.get(name)?.has(offset))) continue;
          this.violation(`${name}/${offset} was dealt with by no member of the group`);
        }
      }
    }
  }
}
