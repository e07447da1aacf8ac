/**
 * What one stripe knows of producers: which publishes are stored in it, and which may not be stored
 * any more (protocol, section 2; the idea is Kafka's producer state). It is learned from entries
 * only, so every gateway that has read the same entries knows the same.
 *
 * 1. Learning an entry twice changes nothing, so a snapshot that was taken while entries came, and
 *    the entries from its beginning on, give what was known.
 * 2. For every partition the highest epoch and its highest sequence are kept as long as the producer;
 *    so what is not stored is never taken for new once something later is.
 */

import { PRODUCER } from "../limits.ts";
import type { Offset, ProducerStamp } from "../types.ts";
import type { PublishSink, Run } from "./entry.ts";
import { History } from "./history.ts";
import { isUlid } from "./ulid_bytes.ts";

/** What is to be said of a publish in one partition. */
export type Judgement =
  | { readonly kind: "new" | "too_old" | "fenced" | "unknown_producer" }
  /** Its records in the partition begin at `base`. */
  | { readonly kind: "stored"; readonly base: Offset };

/** What a producer has last written to one partition. */
export interface Mark {
  readonly partition: number;
  epoch: number;
  sequence: number;
}

/** What is known of one producer. */
export interface Producer {
  /** When its last record was appended. */
  time: number;
  readonly marks: Mark[];
  /** By epoch, the newest first. */
  readonly histories: History[];
}

const NEW: Judgement = { kind: "new" };
const TOO_OLD: Judgement = { kind: "too_old" };
const FENCED: Judgement = { kind: "fenced" };
const UNKNOWN: Judgement = { kind: "unknown_producer" };

export class Dedupe implements PublishSink {
  readonly #producers = new Map<string, Producer>();
  #forgetting: Iterator<[string, Producer]> | undefined;

  get size(): number {
    return this.#producers.size;
  }

  entries(): IterableIterator<[string, Producer]> {
    return this.#producers.entries();
  }

  /** What is to be said of this publish in this partition of the stripe. */
  judge(partition: number, { id, epoch, sequence }: ProducerStamp, now: number): Judgement {
    const producer = this.#producers.get(id);
    if (!producer) return isUlid(id) ? judgeEpoch(epoch, now) : UNKNOWN;
    for (const history of producer.histories) {
      if (history.epoch !== epoch) continue;
      const base = history.find(sequence, partition);
      if (base !== undefined) return { kind: "stored", base };
    }
    const mark = markOf(producer, partition);
    if (!mark || mark.epoch < epoch) return judgeEpoch(epoch, now);
    if (mark.epoch > epoch) return FENCED;
    return mark.sequence >= sequence ? TOO_OLD : NEW;
  }

  apply({ id, epoch, sequence }: ProducerStamp, { partition, base }: Run, time: number): void {
    let producer = this.#producers.get(id);
    if (!producer) {
      producer = { time, marks: [], histories: [] };
      this.#producers.set(id, producer);
    }
    producer.time = Math.max(producer.time, time);
    raise(producer, partition, epoch, sequence);
    historyFor(producer, epoch, sequence)?.add(sequence, partition, base);
  }

  /** Puts a producer back that a snapshot held. */
  restore(id: string, producer: Producer): void {
    this.#producers.set(id, producer);
  }

  /** Looks at so many producers for those whose time is over; the next call goes on from there. */
  forget(now: number, count: number): void {
    const before = now - PRODUCER.keptMs - PRODUCER.skewMs;
    this.#forgetting ??= this.#producers.entries();
    for (let i = 0; i < count; i++) {
      const { value, done } = this.#forgetting.next();
      if (done) {
        this.#forgetting = undefined;
        return;
      }
      const [id, producer] = value;
      if (producer.time < before) this.#producers.delete(id);
    }
  }
}

/** Over all partitions that a publish, or a transaction, touches. */
export function verdict(judgements: readonly Judgement[]): Judgement["kind"] {
  const kinds = new Set(judgements.map(({ kind }) => kind));
  if (kinds.size === 1) { for (const kind of kinds) return kind; }
  if (kinds.has("fenced")) return "fenced";
  if (kinds.has("too_old") || kinds.has("stored")) return "too_old";
  return kinds.has("unknown_producer") ? "unknown_producer" : "new";
}

/** An epoch is the time at which it was given out: where nothing is known of it, that decides. */
function judgeEpoch(epoch: number, now: number): Judgement {
  return epoch < now - PRODUCER.keptMs || epoch > now + PRODUCER.skewMs ? UNKNOWN : NEW;
}

function markOf(producer: Producer, partition: number): Mark | undefined {
  for (const mark of producer.marks) if (mark.partition === partition) return mark;
  return undefined;
}

function raise(producer: Producer, partition: number, epoch: number, sequence: number): void {
  const mark = markOf(producer, partition);
  if (!mark) {
    producer.marks.push({ partition, epoch, sequence });
  } else if (epoch > mark.epoch) {
    mark.epoch = epoch;
    mark.sequence = sequence;
  } else if (epoch === mark.epoch && sequence > mark.sequence) {
    mark.sequence = sequence;
  }
}

/** The history that holds, or is to hold, this sequence; undefined if it is too old to be kept. */
function historyFor(producer: Producer, epoch: number, sequence: number): History | undefined {
  const { histories } = producer;
  for (const history of histories) {
    if (history.epoch === epoch && history.reaches(sequence)) return history;
  }
  const history = History.around(epoch, sequence);
  const at = histories.findIndex((other) => other.epoch <= epoch);
  histories.splice(at < 0 ? histories.length : at, 0, history);
  if (histories.length > PRODUCER.histories && histories.pop() === history) return undefined;
  return history;
}
