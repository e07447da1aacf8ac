/**
 * Histories: where the publishes with the highest sequences of one epoch of a producer are stored.
 * Rows and places come from pools, since there may be hundreds of thousands.
 *
 * 1. A history has the `PRODUCER.window` highest sequences that were added, and none that is 2^32
 *    or more below the highest. Neither the order of additions nor repetition makes a difference.
 * 2. Its places are sorted by sequence, then by partition.
 */

import { PRODUCER } from "../limits.ts";
import type { Offset } from "../types.ts";
import { Places } from "./places.ts";
import { NONE, Rows } from "./rows.ts";

const EPOCH = 0;
/** The highest sequence. */
const HIGHEST = 1;
/** How many sequences it holds. */
const COUNT = 2;
/** The first and the last place; none if it is empty. */
const FIRST = 3;
const LAST = 4;
/** The history of the same producer with the next lower epoch. */
const OLDER = 5;

/** How far below the highest a sequence may be. */
const REACH = 2 ** 32;

/** Called with a place. */
export type PlaceVisitor = (sequence: number, partition: number, base: Offset) => void;

export class Histories {
  readonly #rows = new Rows(6);
  readonly #places = new Places();

  /** Makes an empty history; `older` is the next older one. */
  open(epoch: number, older: number): number {
    const row = this.#rows.make();
    this.#rows.set(row, EPOCH, epoch);
    this.#rows.set(row, COUNT, 0);
    this.#rows.set(row, FIRST, NONE);
    this.#rows.set(row, OLDER, older);
    return row;
  }

  close(row: number): void {
    this.#empty(row);
    this.#rows.free(row);
  }

  epoch(row: number): number {
    return this.#rows.get(row, EPOCH);
  }

  older(row: number): number {
    return this.#rows.get(row, OLDER);
  }

  setOlder(row: number, older: number): void {
    this.#rows.set(row, OLDER, older);
  }

  /** Where the publish's records in the partition begin; undefined if that is not known. */
  find(row: number, sequence: number, partition: number): Offset | undefined {
    const highest = this.#rows.get(row, HIGHEST);
    const last = this.#rows.get(row, LAST);
    let place = this.#rows.get(row, FIRST);
    if (place === NONE || sequence > highest) return undefined;
    for (;; place = this.#places.after(place)) {
      const at = this.#places.sequence(place, highest);
      if (at > sequence) return undefined;
      if (at === sequence && this.#places.partition(place) === partition) {
        return this.#places.base(place);
      }
      if (place === last) return undefined;
    }
  }

  /** Whether the sequence is too low for the history to hold. */
  isPast(row: number, sequence: number): boolean {
    const first = this.#rows.get(row, FIRST);
    if (first === NONE) return false;
    const highest = this.#rows.get(row, HIGHEST);
    if (sequence <= highest - REACH) return true;
    return this.#rows.get(row, COUNT) === PRODUCER.window &&
      sequence < this.#places.sequence(first, highest);
  }

  /** Remembers where the publish's records in the partition begin. */
  add(row: number, sequence: number, partition: number, base: Offset): void {
    const rows = this.#rows;
    const isEmpty = rows.get(row, FIRST) === NONE;
    const highest = rows.get(row, HIGHEST);
    if (isEmpty || sequence > highest) {
      this.#addHighest(row, sequence, partition, base);
    } else if (
      sequence === highest && partition > this.#places.partition(rows.get(row, LAST))
    ) {
      this.#append(row, sequence, partition, base);
    } else if (
      !this.isPast(row, sequence) && this.find(row, sequence, partition) === undefined
    ) {
      this.#insert(row, sequence, partition, base);
    }
    if (rows.get(row, COUNT) > PRODUCER.window) this.#dropLowest(row);
  }

  /** Visits all places in order. */
  each(row: number, visit: PlaceVisitor): void {
    const places = this.#places;
    const highest = this.#rows.get(row, HIGHEST);
    const last = this.#rows.get(row, LAST);
    let place = this.#rows.get(row, FIRST);
    if (place === NONE) return;
    for (;; place = places.after(place)) {
      visit(places.sequence(place, highest), places.partition(place), places.base(place));
      if (place === last) return;
    }
  }

  #addHighest(row: number, sequence: number, partition: number, base: Offset): void {
    const rows = this.#rows;
    for (;;) {
      const first = rows.get(row, FIRST);
      if (first === NONE) break;
      if (this.#places.sequence(first, rows.get(row, HIGHEST)) > sequence - REACH) break;
      this.#dropLowest(row);
    }
    this.#append(row, sequence, partition, base);
    rows.set(row, HIGHEST, sequence);
    rows.set(row, COUNT, rows.get(row, COUNT) + 1);
  }

  #append(row: number, sequence: number, partition: number, base: Offset): void {
    const rows = this.#rows;
    if (rows.get(row, FIRST) === NONE) {
      const place = this.#places.start(sequence, partition, base);
      rows.set(row, FIRST, place);
      rows.set(row, LAST, place);
    } else {
      rows.set(row, LAST, this.#places.append(rows.get(row, LAST), sequence, partition, base));
    }
  }

  /** Inserts a place between others. This is rare, so the chain is rebuilt. */
  #insert(row: number, sequence: number, partition: number, base: Offset): void {
    const places: [sequence: number, partition: number, base: Offset][] = [];
    this.each(row, (...place) => places.push(place));
    places.push([sequence, partition, base]);
    places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.#empty(row);
    for (const place of places) this.#append(row, ...place);
    this.#rows.set(row, COUNT, new Set(places.map(([sequence]) => sequence)).size);
  }

  #dropLowest(row: number): void {
    const rows = this.#rows;
    const highest = rows.get(row, HIGHEST);
    const last = rows.get(row, LAST);
    let first = rows.get(row, FIRST);
    const lowest = this.#places.sequence(first, highest);
    while (first !== last && this.#places.sequence(first, highest) === lowest) {
      first = this.#places.dropFirst(first);
    }
    if (this.#places.sequence(first, highest) === lowest) {
      this.#places.free(first, last);
      first = NONE;
    }
    rows.set(row, FIRST, first);
    rows.set(row, COUNT, rows.get(row, COUNT) - 1);
  }

  #empty(row: number): void {
    const first = this.#rows.get(row, FIRST);
    if (first !== NONE) this.#places.free(first, this.#rows.get(row, LAST));
    this.#rows.set(row, FIRST, NONE);
    this.#rows.set(row, COUNT, 0);
  }
}
