/**
 * Which appends are not answered yet, by their numbers: they are numbered in the order in which they
 * come, and nearly all are answered in that order.
 *
 * A ring of bytes, not a `Map` of appends: under load a `Map` moves to a new table again and again,
 * and each old table refers to the next. Once one of them is old to the garbage collector, all later
 * appends are kept as if they were in use: with 512 in flight, it took three times as long.
 */

import { assert } from "../assert.ts";

const FIRST_CAPACITY = 1_024;

export class Unanswered {
  /** By number, modulo its length, which is a power of two: whether it is answered. */
  #answered = new Uint8Array(FIRST_CAPACITY);
  #oldest = 1;
  #last = 0;

  /** The number of the append that came last. */
  get last(): number {
    return this.#last;
  }

  /** The lowest number that is not answered. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Numbers an append that has come. */
  add(): number {
    if (this.#last - this.#oldest + 2 > this.#answered.length) this.#grow();
    return ++this.#last;
  }

  /** The append with this number is answered. */
  delete(number: number): void {
    const answered = this.#answered;
    const mask = answered.length - 1;
    assert(number >= this.#oldest && answered[number & mask] === 0, "an append is answered once");
    answered[number & mask] = 1;
    while (answered[this.#oldest & mask] === 1) answered[this.#oldest++ & mask] = 0;
  }

  #grow(): void {
    const { length } = this.#answered;
    const grown = new Uint8Array(2 * length);
    for (let number = this.#oldest; number <= this.#last; number++) {
      grown[number & 2 * length - 1] = this.#answered[number & length - 1] as number;
    }
    this.#answered = grown;
  }
}
