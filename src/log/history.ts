/**
 * Where the publishes of one epoch of a producer went, for its highest sequences: packed, since there
 * are as many of these as there are drivers in a city.
 *
 * Twelve bytes for each partition that a publish touched, in the order of sequences:
 *
 *     u32  sequence minus `origin`
 *     u32  offset, the low 32 bits
 *     u32  partition in the stripe (the low 8 bits), offset, the high bits
 *
 * A sequence that is further from `origin` than 32 bits reach begins another history.
 */

import { PRODUCER } from "../limits.ts";
import type { Offset } from "../types.ts";

const WORDS = 3;
const SPAN = 2 ** 32;

export class History {
  readonly epoch: number;
  readonly origin: number;
  #words = new Uint32Array(4 * WORDS);
  #count = 0;
  #distinct = 0;

  constructor(epoch: number, origin: number) {
    this.epoch = epoch;
    this.origin = origin;
  }

  /** One that is to hold this sequence. Lower ones may follow: half of its reach is left for them. */
  static around(epoch: number, sequence: number): History {
    return new History(epoch, Math.max(0, sequence - SPAN / 2));
  }

  reaches(sequence: number): boolean {
    return sequence >= this.origin && sequence < this.origin + SPAN;
  }

  /** How many runs it holds. */
  get size(): number {
    return this.#count;
  }

  sequenceAt(i: number): number {
    return this.origin + (this.#words[i * WORDS] as number);
  }

  partitionAt(i: number): number {
    return (this.#words[i * WORDS + 2] as number) & 255;
  }

  baseAt(i: number): Offset {
    return ((this.#words[i * WORDS + 2] as number) >>> 8) * SPAN +
      (this.#words[i * WORDS + 1] as number);
  }

  /** The offset at which the publish's records in the partition begin; undefined if not known. */
  find(sequence: number, partition: number): Offset | undefined {
    for (let i = this.#count - 1; i >= 0; i--) {
      const at = this.sequenceAt(i);
      if (at < sequence) return undefined;
      if (at === sequence && this.partitionAt(i) === partition) return this.baseAt(i);
    }
    return undefined;
  }

  /** Remembers it, unless it is known or lower than the highest that are kept. */
  add(sequence: number, partition: number, base: Offset): void {
    let i = this.#count;
    while (i > 0 && this.sequenceAt(i - 1) > sequence) i--;
    for (let same = i - 1; same >= 0 && this.sequenceAt(same) === sequence; same--) {
      if (this.partitionAt(same) === partition) return;
    }
    const fresh = i === 0 || this.sequenceAt(i - 1) !== sequence;
    if (fresh && this.#distinct === PRODUCER.window) {
      if (i === 0) return;
      i -= this.#dropLowest();
    }
    this.#makeRoom(i);
    this.#words[i * WORDS] = sequence - this.origin;
    this.#words[i * WORDS + 1] = base % SPAN;
    this.#words[i * WORDS + 2] = Math.floor(base / SPAN) * 256 + partition;
    if (fresh) this.#distinct++;
  }

  /** Forgets the lowest sequence; returns how many runs that were. */
  #dropLowest(): number {
    let runs = 1;
    while (runs < this.#count && this.sequenceAt(runs) === this.sequenceAt(0)) runs++;
    this.#words.copyWithin(0, runs * WORDS, this.#count * WORDS);
    this.#count -= runs;
    this.#distinct--;
    return runs;
  }

  #makeRoom(i: number): void {
    if ((this.#count + 1) * WORDS > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words.copyWithin((i + 1) * WORDS, i * WORDS, this.#count * WORDS);
    this.#count++;
  }
}
