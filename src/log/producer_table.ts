/**
 * The producers of a stripe, packed into a few typed arrays. Each has the time of its last record,
 * a mark for each partition that it has written to, and a history for each of its newest epochs.
 * `dedupe.ts` decides by them.
 *
 * 1. A mark has the highest epoch in its partition and the highest sequence of that epoch, as long
 *    as the producer is known: histories forget, marks do not.
 * 2. A producer has the histories of its `PRODUCER.histories` highest epochs, in whatever order
 *    they were added.
 */

import { PRODUCER } from "../limits.ts";
import { Histories } from "./histories.ts";
import { NONE, Rows } from "./rows.ts";

/** Cells of a producer. */
const TIME = 0;
const NEWEST = 1;
const MARKS = 2;

/** Cells of a mark; `NEXT` is the producer's next one. */
const PARTITION = 0;
const EPOCH = 1;
const SEQUENCE = 2;
const NEXT = 3;

export class ProducerTable {
  readonly histories = new Histories();
  readonly #rows = new Rows(3);
  readonly #marks = new Rows(4);
  readonly #byId = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  /** The id and row of each; those added during the iteration come last. */
  entries(): MapIterator<[id: string, row: number]> {
    return this.#byId.entries();
  }

  find(id: string): number {
    return this.#byId.get(id) ?? NONE;
  }

  make(id: string, time: number): number {
    const row = this.#rows.make();
    this.#rows.set(row, TIME, time);
    this.#rows.set(row, NEWEST, NONE);
    this.#rows.set(row, MARKS, NONE);
    this.#byId.set(id, row);
    return row;
  }

  drop(id: string, row: number): void {
    this.#byId.delete(id);
    for (let mark = this.#rows.get(row, MARKS); mark !== NONE;) {
      const next = this.#marks.get(mark, NEXT);
      this.#marks.free(mark);
      mark = next;
    }
    for (let history = this.newest(row); history !== NONE;) {
      const older = this.histories.older(history);
      this.histories.close(history);
      history = older;
    }
    this.#rows.free(row);
  }

  /** When its last record was appended. */
  time(row: number): number {
    return this.#rows.get(row, TIME);
  }

  setTime(row: number, time: number): void {
    this.#rows.set(row, TIME, time);
  }

  /** The producer's mark in the partition. */
  mark(row: number, partition: number): number {
    let mark = this.#rows.get(row, MARKS);
    while (mark !== NONE && this.#marks.get(mark, PARTITION) !== partition) {
      mark = this.#marks.get(mark, NEXT);
    }
    return mark;
  }

  markEpoch(mark: number): number {
    return this.#marks.get(mark, EPOCH);
  }

  markSequence(mark: number): number {
    return this.#marks.get(mark, SEQUENCE);
  }

  /** Raises the partition's mark to this, unless it is higher. */
  raise(row: number, partition: number, epoch: number, sequence: number): void {
    const marks = this.#marks;
    let mark = this.mark(row, partition);
    if (mark === NONE) {
      mark = marks.make();
      marks.set(mark, PARTITION, partition);
      marks.set(mark, NEXT, this.#rows.get(row, MARKS));
      this.#rows.set(row, MARKS, mark);
    } else {
      const held = marks.get(mark, EPOCH);
      if (held > epoch || held === epoch && marks.get(mark, SEQUENCE) >= sequence) return;
    }
    marks.set(mark, EPOCH, epoch);
    marks.set(mark, SEQUENCE, sequence);
  }

  eachMark(row: number, visit: (partition: number, epoch: number, sequence: number) => void): void {
    const marks = this.#marks;
    for (let mark = this.#rows.get(row, MARKS); mark !== NONE; mark = marks.get(mark, NEXT)) {
      visit(marks.get(mark, PARTITION), marks.get(mark, EPOCH), marks.get(mark, SEQUENCE));
    }
  }

  /** The history of its highest epoch; `histories.older` leads to the others. */
  newest(row: number): number {
    return this.#rows.get(row, NEWEST);
  }

  /** The history of this epoch. */
  history(row: number, epoch: number): number {
    const { histories } = this;
    let history = this.newest(row);
    while (history !== NONE && histories.epoch(history) !== epoch) {
      history = histories.older(history);
    }
    return history;
  }

  /** The history of this epoch, opened if needed; none if there are enough of higher epochs. */
  openHistory(row: number, epoch: number): number {
    const { histories } = this;
    let newer = NONE;
    let older = this.newest(row);
    let held = 0;
    for (; older !== NONE && histories.epoch(older) > epoch; held++) {
      newer = older;
      older = histories.older(older);
    }
    if (older !== NONE && histories.epoch(older) === epoch) return older;
    if (held === PRODUCER.histories) return NONE;
    const opened = histories.open(epoch, older);
    if (newer === NONE) this.#rows.set(row, NEWEST, opened);
    else histories.setOlder(newer, opened);
    this.#closeBeyond(opened, PRODUCER.histories - held - 1);
    return opened;
  }

  /** Keeps `count` of the histories that are older than this one. */
  #closeBeyond(history: number, count: number): void {
    const { histories } = this;
    let last = history;
    for (let kept = 0; kept < count; kept++) {
      const older = histories.older(last);
      if (older === NONE) return;
      last = older;
    }
    const beyond = histories.older(last);
    if (beyond === NONE) return;
    histories.setOlder(last, NONE);
    histories.close(beyond); // there is never more than one too many
  }
}
