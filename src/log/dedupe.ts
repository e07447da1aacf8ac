/**
 * What one stripe knows of producers: which publishes are stored in it, and which may not be stored
 * any more (protocol, section 2; the idea is Kafka's producer state). It is learned from entries
 * only, so every gateway that has read the same entries knows the same.
 *
 * 1. Learning an entry twice changes nothing, so a snapshot that was taken while entries came, and
 *    the entries from its beginning on, give what was known.
 * 2. What is stored is never taken for new: marks know the highest that each partition holds, as long
 *    as the producer is known; what is forgotten had an epoch that is `unknown_producer` for ever.
 * 3. A producer is forgotten by the times of its own records, not by when `forget` came to it, so
 *    what is answered does not depend on that.
 */

import { PRODUCER } from "../limits.ts";
import type { Offset, ProducerStamp } from "../types.ts";
import type { PublishSink } from "./entry.ts";
import { ProducerTable } from "./producer_table.ts";
import { NONE } from "./rows.ts";
import { isUlid } from "./ulid_bytes.ts";

/** What is to be said of a publish in one partition. */
export type Judgement =
  | { readonly kind: "new" | "too_old" | "fenced" | "unknown_producer" }
  /** Its records in the partition begin at `base`. */
  | { readonly kind: "stored"; readonly base: Offset };

/** Nothing speaks against it. */
export const NEW: Judgement = { kind: "new" };
const TOO_OLD: Judgement = { kind: "too_old" };
const FENCED: Judgement = { kind: "fenced" };
const UNKNOWN: Judgement = { kind: "unknown_producer" };

/** So long after its last record a producer is forgotten: any epoch it had is then too old. */
const FORGOTTEN_MS = PRODUCER.keptMs + PRODUCER.skewMs;

export class Dedupe implements PublishSink {
  readonly producers = new ProducerTable();
  #forgetting: Iterator<[id: string, row: number]> | undefined;
  /** The last record of any producer that was forgotten. */
  #forgottenTime = -Infinity;
  /** Whose publishes are being told, and of which epoch. */
  #producer = NONE;
  #epoch = 0;
  #history = NONE;

  get size(): number {
    return this.producers.size;
  }

  /** What is to be said of this publish in this partition of the stripe. */
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

  /** The publishes of which `publish` will tell are this producer's. */
  producer(id: string, epoch: number, time: number): void {
    const { producers } = this;
    let row = producers.find(id);
    if (row !== NONE && time - producers.time(row) > FORGOTTEN_MS) {
      this.#forget(id, row);
      row = NONE;
    }
    if (row === NONE) row = producers.make(id, time);
    else if (producers.time(row) < time) producers.setTime(row, time);
    // What was forgotten in between stays so, when an old entry is learned again.
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

  /** The partition holds this sequence of this epoch, be its place known or not. */
  mark(partition: number, epoch: number, sequence: number): void {
    if (this.#producer === NONE) return;
    this.producers.raise(this.#producer, partition, epoch, sequence);
  }

  /** Looks at so many producers for those whose time is over; the next call goes on from there. */
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
   * An epoch is the time at which it was given out: where nothing is known of it, that decides. Were
   * the clock ahead when producers were forgotten, it must not bring their epochs back.
   */
  #isGivenOut(epoch: number, now: number): boolean {
    return epoch >= now - PRODUCER.keptMs && epoch <= now + PRODUCER.skewMs &&
      epoch > this.#forgottenTime + PRODUCER.skewMs;
  }
}

/** Over all partitions that a publish, or a transaction, touches. `torn`: only some of them have it. */
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
