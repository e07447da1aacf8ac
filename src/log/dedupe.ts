/**
 * The producer state of a stripe, as in Kafka: which publishes are stored in it, and which may not
 * be stored any more (protocol, section 2). It is derived from entries only, so all gateways that
 * have read the same entries have the same state.
 *
 * 1. Applying an entry twice changes nothing. So a snapshot that is taken while entries are
 *    appended, plus a replay from the entry at which it began, gives the exact state.
 * 2. A stored publish is never taken for new. While its producer is known, marks have the highest
 *    sequence in each partition; once it is forgotten, its epochs are `unknown_producer` for ever.
 * 3. Whether a producer is forgotten depends on the times of its records, not on when `forget`
 *    runs, so neither do the answers.
 */

import { PRODUCER } from "../limits.ts";
import type { Offset, ProducerStamp } from "../types.ts";
import type { PublishSink } from "./entry.ts";
import { ProducerTable } from "./producer_table.ts";
import { NONE } from "./rows.ts";
import { isUlid } from "./ulid_bytes.ts";

/** How a publish is judged in one partition. */
export type Judgement =
  | { readonly kind: "new" | "too_old" | "fenced" | "unknown_producer" }
  /** Its records in the partition begin at `base`. */
  | { readonly kind: "stored"; readonly base: Offset };

/** It may be stored. */
export const NEW: Judgement = { kind: "new" };
const TOO_OLD: Judgement = { kind: "too_old" };
const FENCED: Judgement = { kind: "fenced" };
const UNKNOWN: Judgement = { kind: "unknown_producer" };

/** How long after its last record a producer is forgotten: any epoch it had is too old by then. */
const FORGOTTEN_MS = PRODUCER.keptMs + PRODUCER.skewMs;

export class Dedupe implements PublishSink {
  readonly producers = new ProducerTable();
  #forgetting: Iterator<[id: string, row: number]> | undefined;
  /** The time of the last record of any forgotten producer. */
  #forgottenTime = -Infinity;
  /** The producer and epoch whose publishes are being applied. */
  #producer = NONE;
  #epoch = 0;
  #history = NONE;

  get size(): number {
    return this.producers.size;
  }

  /** Judges a publish in a partition of the stripe. */
  judge(partition: number, { id, epoch, sequence }: ProducerStamp, now: number): Judgement {
    const { producers } = this;
    const row = producers.find(id);
    if (row === NONE || producers.time(row) < now - FORGOTTEN_MS) {
      return isUlid(id) && this.#isGivenOut(epoch, now) ? NEW : UNKNOWN;
    }
    const history = producers.history(row, epoch);
    const base = history === NONE
      ? undefined
      : producers.histories.find(history, sequence, partition);
    if (base !== undefined) return { kind: "stored", base };
    const mark = producers.mark(row, partition);
    const highest = mark === NONE ? -1 : producers.markEpoch(mark);
    if (highest > epoch) return FENCED;
    if (highest === epoch && producers.markSequence(mark) >= sequence) return TOO_OLD;
    if (highest < epoch && !this.#isGivenOut(epoch, now)) return UNKNOWN;
    return history !== NONE && producers.histories.isPast(history, sequence) ? TOO_OLD : NEW;
  }

  /** The calls of `publish` that follow are for this producer. */
  producer(id: string, epoch: number, time: number): void {
    const { producers } = this;
    let row = producers.find(id);
    if (row !== NONE && time - producers.time(row) > FORGOTTEN_MS) {
      this.#forget(id, row);
      row = NONE;
    }
    if (row === NONE) row = producers.make(id, time);
    else if (producers.time(row) < time) producers.setTime(row, time);
    // Replaying an old entry does not bring back a producer that was forgotten since.
    this.#producer = producers.time(row) - time > FORGOTTEN_MS ? NONE : row;
    this.#epoch = epoch;
    this.#history = this.#producer === NONE ? NONE : producers.openHistory(row, epoch);
  }

  /** The records of a publish in this partition begin at `base`. */
  publish(sequence: number, partition: number, base: Offset): void {
    this.mark(partition, this.#epoch, sequence);
    if (this.#history === NONE) return;
    this.producers.histories.add(this.#history, sequence, partition, base);
  }

  /** The partition has this sequence of this epoch, whether or not its offset is known. */
  mark(partition: number, epoch: number, sequence: number): void {
    if (this.#producer === NONE) return;
    this.producers.raise(this.#producer, partition, epoch, sequence);
  }

  /** Checks `count` producers for expiry; the next call continues from there. */
  forget(now: number, count: number): void {
    this.#forgetting ??= this.producers.entries();
    for (let i = 0; i < count; i++) {
      const { value, done } = this.#forgetting.next();
      if (done) {
        this.#forgetting = undefined;
        return;
      }
      const [id, row] = value;
      if (this.producers.time(row) < now - FORGOTTEN_MS) this.#forget(id, row);
    }
  }

  #forget(id: string, row: number): void {
    this.#forgottenTime = Math.max(this.#forgottenTime, this.producers.time(row));
    this.producers.drop(id, row);
  }

  /**
   * Whether an unknown epoch is acceptable. An epoch is the time at which it was issued: it must be
   * recent, and newer than all forgotten producers, in case the clock was ahead when they were
   * forgotten.
   */
  #isGivenOut(epoch: number, now: number): boolean {
    return epoch >= now - PRODUCER.keptMs && epoch <= now + PRODUCER.skewMs &&
      epoch > this.#forgottenTime + PRODUCER.skewMs;
  }
}

/**
 * The judgement over all partitions that a publish or transaction touches. `torn`: it is stored in
 * only some of them.
 */
export function verdict(judgements: readonly Judgement[]): Judgement["kind"] | "torn" {
  const [first] = judgements;
  if (!first) return "new";
  if (judgements.every(({ kind }) => kind === first.kind)) return first.kind;
  const kinds = new Set(judgements.map(({ kind }) => kind));
  if (kinds.has("fenced")) return "fenced";
  if (kinds.has("too_old")) return "too_old";
  if (kinds.has("stored")) return "torn";
  return kinds.has("unknown_producer") ? "unknown_producer" : "new";
}
