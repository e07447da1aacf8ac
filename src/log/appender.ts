/**
 * The queue of what is to be appended, and the decision over each of it when its turn comes: let in,
 * answered as a repeat, or refused. The queue is one for all topics and strictly first come, first
 * served, so that order within a partition and within a producer needs no further thought.
 *
 * 1. A publish is judged against what is stored, never against what is still being written: one whose
 *    producer is already in the batch with the same or a later number is deferred to the next.
 * 2. Nobody is answered `ok` before the write is certain.
 */

import { GatewayError } from "../errors.ts";
import { HEAP_BYTES } from "../heap_bytes.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG, PRODUCER } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Mutation } from "../store/store.ts";
import type { Place, Topic } from "../types.ts";
import { allDone } from "./all_done.ts";
import type { Append, Rider } from "./append.ts";
import { Batch, type Written } from "./batch.ts";
import { Deferred, Stamps } from "./collisions.ts";
import { type Judgement, NEW, verdict } from "./dedupe.ts";
import { type EntryBuilder, hasWriteId, WRITE_ID_BYTES } from "./entry.ts";
import type { Part, Room, Source } from "./journal.ts";
import { giveUp } from "./lane.ts";
import { pend, type Pending } from "./pending.ts";
import type { Section } from "./section.ts";
import type { Stripe } from "./stripe.ts";
import type { TopicLog } from "./topic_log.ts";

/** Where the appender reports what it stored. */
export interface AppendListener {
  /** These are stored, and answered. */
  appended(sections: readonly Section[]): void;
  /** This has its answer. */
  answered(append: Append): void;
  /** Others wrote to these, or they are gone: read them again, now that nothing is being written. */
  refresh(stripes: readonly Stripe[]): Promise<void>;
  /** Others may have written to these: read them as soon as nothing is being written. */
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

  /** Takes it into the queue: it has waited `since`. Its topics are loaded. Throws what is wrong with it. */
  enqueue(append: Append, logs: readonly TopicLog[], since: number): void {
    if (this.#queuedBytes > LOG.queueBytes) {
      throw new GatewayError("overloaded", "Too much waits for the store", { retryAfterMs: 100 });
    }
    const pending = pend(append, logs, since);
    this.#queue.push(pending);
    this.#queuedBytes += queuedBytes([pending]);
    this.#wake();
  }

  take(room: Room): Part | undefined {
    if (this.#queue.length === 0) return undefined; // as after each write of what came alone
    const writeId = this.#host.random.bytes(WRITE_ID_BYTES);
    const now = this.#host.clock.now();
    const batch = new Batch(now, writeId, this.#builders);
    const stamps = new Stamps();
    const taken: Pending[] = [];
    const deferred = new Deferred();
    let rider: Rider | undefined;
    let at = 0;
    for (; at < this.#queue.length && !rider; at++) {
      const pending = this.#queue[at] as Pending;
      if (pending.answered) continue;
      const stripesMax = room.checks - (pending.append.board ? 1 : 0);
      if (!batch.fits(pending, stripesMax, room.bytes)) break;
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
        rider = pending.append.board?.();
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        this.#fail(pending, error);
        continue;
      }
      pending.places = batch.add(pending);
      taken.push(pending);
      stamps.add(pending);
    }
    this.#drop(at, deferred.pendings);
    return taken.length > 0 ? this.#part(batch, taken, writeId, rider) : undefined;
  }

  /** Answers what has waited for the store too long: it was not sent yet, so nothing happened. */
  tick(now: number): void {
    for (const pending of this.#queue) {
      // What has waited for its topic before may stand behind what came later.
      if (pending.answered || pending.since + LOG.publishMs > now) continue;
      const code = pending.inDoubt ? "timeout" : "unavailable";
      this.#fail(pending, new GatewayError(code, "The store does not answer"));
    }
  }

  #part(batch: Batch, taken: readonly Pending[], writeId: Uint8Array, rider?: Rider): Part {
    const { checks, mutations, written } = batch.finish();
    // The entry of any stripe shows the write, lest retention take one before it is looked at.
    const [key, ...also] = written.map(({ stripe: { topic, index }, number }) =>
      keys.entry(topic.id, index, number, 0)
    );
    const evidence = key
      ? { key, also, holds: (value: Uint8Array) => hasWriteId(value, writeId) }
      : rider?.evidence;
    if (!evidence) throw new Error("a write has an entry or a rider");
    return {
      checks: rider ? [...checks, ...rider.checks] : checks,
      mutations: rider ? [...mutations, ...rider.mutations] : mutations,
      bytes: bytesOf(mutations) + (rider?.bytes ?? 0),
      grown: written.map(({ stripe: { topic, index }, number }) => ({
        topicId: topic.id,
        stripe: index,
        entries: number + 1,
      })),
      evidence,
      stored: (version) => {
        const sections = written.flatMap(({ stripe, decoded }) => stripe.apply(decoded, version));
        rider?.stored(version);
        return () => {
          for (const pending of taken) {
            if (!pending.answered) this.#succeed(pending, pending.places, false);
          }
          this.#listener.appended(sections);
        };
      },
      refused: async () => {
        await allDone([
          this.#listener.refresh(written.map(({ stripe }) => stripe)),
          rider?.refused(),
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
   * Returns whether it is to be tried again after a write that was refused, and fails it if not. What that
   * write stored is read from its entries: where deletions and retention may have taken all of them,
   * nobody knows any more, but for producers, which the stripe remembers longer.
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
   * The offsets of a repeat; undefined if it is to be appended. Throws why it must not be. `torn`: one
   * stripe has it and another does not, as this gateway knows them, which may be apart.
   */
  #judge(pending: Pending, now: number): Place[][] | "torn" | undefined {
    for (const { log } of pending.parts) if (log.ended) throw log.ended;
    const judgements = judgementsOf(pending, now);
    const kind = verdict(judgements);
    // What an earlier write of ours has stored is stored, also if something in front of it failed since.
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

  /** Learns what its stripes have in the store, for when its turn comes again. */
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
    this.#listener.answered(pending.append);
    pending.append.done({ ok: true, offsets, duplicate });
  }

  #fail(pending: Pending, error: GatewayError): void {
    if (pending.answered) return;
    pending.answered = true;
    for (const { append } of pending.parts) giveUp(append.producer, append.admission, error);
    this.#listener.answered(pending.append);
    pending.append.done({ ok: false, error });
  }

  #putBack(pendings: readonly Pending[]): void {
    this.#queue = [...pendings, ...this.#queue];
    this.#queuedBytes += queuedBytes(pendings);
    this.#wake();
  }

  /** Takes so many from its beginning, but for those that are deferred. */
  #drop(count: number, deferred: readonly Pending[]): void {
    const dropped = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    const rest = dropped === this.#queue ? [] : this.#queue.slice(count);
    this.#queue = deferred.length > 0 ? [...deferred, ...rest] : rest;
    this.#queuedBytes += queuedBytes(deferred) - queuedBytes(dropped);
  }
}

/** What they take in memory while they wait. */
function queuedBytes(pendings: readonly Pending[]): number {
  return pendings.reduce((sum, { bytes }) => sum + bytes, HEAP_BYTES.append * pendings.length);
}

/** What was let in behind something that has failed since must not overtake it. */
function refuseVoid(pending: Pending): void {
  for (const { append: { producer, admission } } of pending.parts) {
    if (producer && admission?.lane.isVoid(admission.generation, producer.sequence)) {
      throw admission.lane.gap(producer.sequence);
    }
  }
}

/** What this session has sent before and is not stored must not be stored now, behind later ones. */
function refuseRepeats(pending: Pending): undefined {
  for (const { append: { producer, admission } } of pending.parts) {
    if (producer && admission?.repeat) throw admission.lane.gap(producer.sequence);
  }
}

/** The offsets that the records got when they were stored, from where each partition's began. */
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

/** What each partition knows of it; nothing if it is new to all of them, as nearly all are. */
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

/** Room that a key takes in a write, at most. */
const KEY_BYTES = 64;

function bytesOf(mutations: readonly Mutation[]): number {
  let bytes = 0;
  for (const mutation of mutations) {
    bytes += KEY_BYTES + (mutation.type === "set" ? mutation.value.length : 0);
  }
  return bytes;
}
