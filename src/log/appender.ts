/**
 * The append queue. When an append's turn comes, it is written, answered as a duplicate, or
 * refused. One FIFO queue for all topics keeps the order within partitions and within producers.
 *
 * 1. A publish is judged only against what is stored, never against what is being written: if its
 *    producer is already in the batch with the same or a higher sequence, it is deferred to the
 *    next batch.
 * 2. Nothing is answered `ok` before its write is known to be stored.
 */

import { GatewayError } from "../errors.ts";
import { HEAP_BYTES } from "../heap_bytes.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG, PRODUCER } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Mutation } from "../store/store.ts";
import type { Place, Topic } from "../types.ts";
import { allDone } from "./all_done.ts";
import type { Arrived } from "./append.ts";
import { Batch, type Written } from "./batch.ts";
import { Deferred, Stamps } from "./collisions.ts";
import { type Judgement, NEW, verdict } from "./dedupe.ts";
import { type EntryBuilder, hasWriteId, WRITE_ID_BYTES } from "./entry.ts";
import type { Part, Room, Source } from "./journal.ts";
import { giveUp } from "./lane.ts";
import { pend, type Pending, placesOf } from "./pending.ts";
import { Riders } from "./riders.ts";
import type { Section } from "./section.ts";
import type { Stripe } from "./stripe.ts";
import type { TopicLog } from "./topic_log.ts";

/** Where the appender reports what it stored. */
export interface AppendListener {
  /** These are stored, and answered. */
  appended(sections: readonly Section[]): void;
  /** The append with this number was answered. */
  answered(number: number): void;
  /** Another gateway wrote to these, or they are deleted: reread them, nothing is being written. */
  refresh(stripes: readonly Stripe[]): Promise<void>;
  /** Another gateway may have written to these: reread them once nothing is being written. */
  behind(stripes: readonly Stripe[]): Promise<void>;
  isDeleted(topic: Topic): boolean;
}

export class Appender implements Source {
  readonly #host: Host;
  readonly #listener: AppendListener;
  readonly #wake: () => void;
  readonly #builders: EntryBuilder[] = [];
  #queue: Pending[] = [];
  #queuedBytes = 0;

  constructor(host: Host, listener: AppendListener, wake: () => void) {
    this.#host = host;
    this.#listener = listener;
    this.#wake = wake;
  }

  /** Whether so much waits that it is better not to read more. */
  get isBehind(): boolean {
    return this.#queuedBytes > LOG.behindBytes;
  }

  /** Queues an append whose topics are loaded. Throws if it is invalid or the queue is full. */
  enqueue(arrived: Arrived, logs: readonly TopicLog[]): void {
    if (this.#queuedBytes > LOG.queueBytes) {
      const retryAfterMs = LOG.retryMs + Math.floor(this.#host.random.number() * LOG.retryApartMs);
      throw new GatewayError("overloaded", "Too much waits for the store", { retryAfterMs });
    }
    const pending = pend(arrived, logs);
    this.#queue.push(pending);
    this.#queuedBytes += bytesInQueue(pending);
    this.#wake();
  }

  take(room: Room): Part | undefined {
    if (this.#queue.length === 0) return undefined; // the usual case after a lone publish
    const writeId = this.#host.random.bytes(WRITE_ID_BYTES);
    const now = this.#host.clock.now();
    const batch = new Batch(now, writeId, this.#builders);
    const stamps = new Stamps();
    const taken: Pending[] = [];
    const deferred = new Deferred();
    const riders = new Riders();
    let at = 0;
    for (; at < this.#queue.length; at++) {
      const pending = this.#queue[at] as Pending;
      if (pending.answered) continue;
      // All but the first leave a check to the commits that come alone, lest they wait for ever.
      const spare = taken.length > 0 ? 1 : 0;
      const riding = riders.count + (pending.append.board ? 1 : 0);
      if (!batch.fits(pending, room.checks - riding - spare, room.bytes)) break;
      const collision = stamps.collision(pending);
      if (deferred.isInFrontOf(pending) || collision === "other") {
        deferred.add(pending);
        continue;
      }
      if (collision === "repeat" || pending.look === "under way") {
        deferred.addRepeat(pending);
        continue;
      }
      try {
        const repeated = this.#judge(pending, now);
        if (repeated === "torn") {
          deferred.addRepeat(pending);
          this.#look(pending);
          continue;
        }
        if (repeated) {
          this.#succeed(pending, repeated, true);
          continue;
        }
        const rider = pending.append.board?.();
        if (rider && !riders.hasRoomFor(rider)) break;
        if (rider) riders.add(rider);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        this.#fail(pending, error);
        continue;
      }
      batch.add(pending);
      taken.push(pending);
      stamps.add(pending);
    }
    this.#drop(at, deferred.pendings);
    return taken.length > 0 ? this.#part(batch, taken, writeId, riders) : undefined;
  }

  /** Fails what has waited too long. Unless it is in doubt, it was never sent. */
  tick(now: number): void {
    for (const pending of this.#queue) {
      // The queue is not sorted by `since`: an append may have waited for its topic first.
      if (pending.answered || pending.since + LOG.publishMs > now) continue;
      const code = pending.inDoubt ? "timeout" : "unavailable";
      this.#fail(pending, new GatewayError(code, "The store does not answer"));
    }
  }

  #part(batch: Batch, taken: readonly Pending[], writeId: Uint8Array, riders: Riders): Part {
    const { checks, mutations, written } = batch.finish();
    // Any of the entries proves the write: retention may delete one before it is checked.
    const [key, ...also] = written.map(({ stripe: { topic, index }, number }) =>
      keys.entry(topic.id, index, number, 0)
    );
    const evidence = key
      ? { key, also, holds: (value: Uint8Array) => hasWriteId(value, writeId) }
      : riders.evidence;
    return {
      checks: [...checks, ...riders.checks],
      mutations: [...mutations, ...riders.mutations],
      bytes: bytesOf(mutations) + riders.bytes,
      grown: written.map(({ stripe: { topic, index }, number }) => ({
        topicId: topic.id,
        stripe: index,
        entries: number + 1,
      })),
      evidence,
      stored: (version) => {
        const sections = written.flatMap(({ stripe, decoded }) => stripe.apply(decoded, version));
        riders.stored(version);
        return () => {
          for (const pending of taken) {
            if (!pending.answered) this.#succeed(pending, placesOf(pending), false);
          }
          this.#listener.appended(sections);
        };
      },
      refused: async () => {
        await allDone([
          this.#listener.refresh(written.map(({ stripe }) => stripe)),
          ...riders.refused(),
        ]);
        this.#putBack(taken.filter((pending) => this.#retryOrFail(pending, written)));
      },
      overdue: () => {
        for (const pending of taken) {
          this.#fail(pending, new GatewayError("timeout", "The store did not answer in time"));
        }
      },
    };
  }

  /**
   * Whether to retry an append after a write that was refused; if not, fails it. If that write was
   * stored after all, its entries show it. If deletion or retention may have removed all of them,
   * only the stripe's producer state, which is kept longer, can still tell.
   */
  #retryOrFail(pending: Pending, written: readonly Written[]): boolean {
    const isGone = ({ stripe, number }: Written) =>
      number < stripe.trim.entry || this.#listener.isDeleted(stripe.topic);
    if (!written.every(isGone)) return true;
    const isDeleted = pending.parts.some(({ log }) => log.ended);
    const hasProducer = pending.append.parts[0]?.producer !== undefined;
    pending.inDoubt = true;
    if (!isDeleted && hasProducer) return true;
    this.#fail(
      pending,
      new GatewayError("timeout", "What was written is gone: it may have been stored"),
    );
    return false;
  }

  /**
   * The offsets of a duplicate; undefined if it is to be appended. Throws if it must not be.
   * `torn`: some of its stripes have it and others do not, as far as this gateway knows, which may
   * be behind.
   */
  #judge(pending: Pending, now: number): Place[][] | "torn" | undefined {
    for (const { log } of pending.parts) if (log.ended) throw log.ended;
    const judgements = judgementsOf(pending, now);
    const kind = verdict(judgements);
    // A duplicate is stored, even if a publish before it has failed since.
    if (kind !== "stored") refuseVoid(pending);
    switch (kind) {
      case "new":
        return refuseRepeats(pending);
      case "stored":
        return originals(pending, judgements);
      case "fenced":
        throw refusal(pending, "producer_fenced", "a newer epoch has written there");
      case "torn":
        if (pending.look === "none") return "torn";
        throw refusal(pending, "sequence_too_old", "it is stored in part of where it would go now");
      case "too_old":
        throw refusal(pending, "sequence_too_old", "later ones are stored");
      case "unknown_producer":
        throw refusal(
          pending,
          "producer_unknown",
          `its id or epoch was not given out within ${
            PRODUCER.keptMs / 3_600_000
          } h: take a new one`,
        );
    }
  }

  /** Rereads its stripes from the store before it is judged again. */
  async #look(pending: Pending): Promise<void> {
    pending.look = "under way";
    try {
      await this.#listener.behind(pending.stripes);
      pending.look = "done";
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      await sleep(this.#host.clock, LOG.rereadMs);
      pending.look = "none";
    }
    this.#wake();
  }

  #succeed(pending: Pending, offsets: Place[][], duplicate: boolean): void {
    pending.answered = true;
    for (const { append: { producer, admission } } of pending.parts) {
      if (producer) admission?.lane.done(producer.sequence);
    }
    this.#listener.answered(pending.number);
    pending.append.done({ ok: true, offsets, duplicate });
  }

  #fail(pending: Pending, error: GatewayError): void {
    if (pending.answered) return;
    pending.answered = true;
    for (const { append } of pending.parts) giveUp(append.producer, append.admission, error);
    this.#listener.answered(pending.number);
    pending.append.done({ ok: false, error });
  }

  #putBack(pendings: readonly Pending[]): void {
    this.#queue = [...pendings, ...this.#queue];
    this.#queuedBytes += queuedBytes(pendings);
    this.#wake();
  }

  /** Removes the first `count` from the queue, except those that are deferred. */
  #drop(count: number, deferred: readonly Pending[]): void {
    const dropped = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    const rest = dropped === this.#queue ? [] : this.#queue.slice(count);
    this.#queue = deferred.length > 0 ? [...deferred, ...rest] : rest;
    this.#queuedBytes += queuedBytes(deferred) - queuedBytes(dropped);
  }
}

/** The memory that it takes while it waits. */
function bytesInQueue({ bytes }: Pending): number {
  return HEAP_BYTES.append + bytes;
}

function queuedBytes(pendings: readonly Pending[]): number {
  return pendings.reduce((sum, pending) => sum + bytesInQueue(pending), 0);
}

/** Refuses a publish if an earlier one of its producer has failed since it was admitted. */
function refuseVoid(pending: Pending): void {
  for (const { append: { producer, admission } } of pending.parts) {
    if (producer && admission?.lane.isVoid(admission.generation, producer.sequence)) {
      throw admission.lane.gap(producer.sequence);
    }
  }
}

/**
 * Refuses a sequence that this session has sent before: if it is not stored yet, it must not be
 * stored after later ones.
 */
function refuseRepeats(pending: Pending): undefined {
  for (const { append: { producer, admission } } of pending.parts) {
    if (producer && admission?.repeat) throw admission.lane.gap(producer.sequence);
  }
}

/** The offsets that the records got when they were stored, counted from each partition's base. */
function originals(pending: Pending, judgements: readonly Judgement[]): Place[][] {
  let judged = 0;
  return pending.parts.map(({ partitions }) => {
    const next = new Map<number, number>();
    for (const partition of distinct(partitions)) {
      const judgement = judgements[judged++];
      if (judgement?.kind === "stored") next.set(partition, judgement.base);
    }
    return partitions.map((partition): Place => {
      const offset = next.get(partition) ?? 0;
      next.set(partition, offset + 1);
      return [partition, offset];
    });
  });
}

/** The judgement of each partition; empty if it is new to all of them, as nearly all are. */
function judgementsOf({ parts }: Pending, now: number): readonly Judgement[] {
  let judgements: Judgement[] | undefined;
  let asked = 0;
  for (const { append: { producer }, log, partitions } of parts) {
    if (!producer) continue;
    for (const partition of distinct(partitions)) {
      const stripe = log.stripeOf(partition);
      const judgement = stripe.dedupe.judge(partition - stripe.first, producer, now);
      if (judgement !== NEW) judgements ??= new Array(asked).fill(NEW);
      judgements?.push(judgement);
      asked++;
    }
  }
  return judgements ?? [];
}

function distinct(partitions: readonly number[]): Iterable<number> {
  return partitions.length === 1 ? partitions : new Set(partitions);
}

function refusal(
  pending: Pending,
  code: "producer_fenced" | "sequence_too_old" | "producer_unknown",
  why: string,
): GatewayError {
  const stamp = pending.parts.find(({ append }) => append.producer)?.append.producer;
  const { sequence, epoch } = stamp ?? { sequence: 0, epoch: 0 };
  return new GatewayError(code, `Cannot store sequence ${sequence} of epoch ${epoch}: ${why}`);
}

/** Upper bound of the size of a key. */
const KEY_BYTES = 64;

function bytesOf(mutations: readonly Mutation[]): number {
  let bytes = 0;
  for (const mutation of mutations) {
    bytes += KEY_BYTES + (mutation.type === "set" ? mutation.value.length : 0);
  }
  return bytes;
}
