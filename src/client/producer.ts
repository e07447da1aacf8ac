/**
 * An idempotent producer: what it publishes is stored once and in order, even if the connection
 * fails. Publishes within a few milliseconds share a frame; up to 64 frames are in flight at a
 * time. Their order, and what happens when they fail, is decided in `line.ts`.
 */

import type { ErrorFrame, InitProducerOk, OkFrame, PublishOk } from "../protocol/gateway_frames.ts";
import { Alarm } from "./alarm.ts";
import {
  type Batch,
  Batches,
  type BatchLimits,
  membersOf,
  newBatch,
  settle,
  type Waiting,
} from "./batches.ts";
import { type Abortable, settling } from "./abort.ts";
import { queueFull, requireFits } from "./calls.ts";
import { type Claim, claimError } from "./claim.ts";
import type { Connection, Resident } from "./connection.ts";
import { asyncDispose } from "./dispose.ts";
import { closedError, errorOf, isPassing, WeirError } from "./errors.ts";
import { Line } from "./line.ts";
import {
  encodePart,
  type Entry,
  type Published,
  publishedAt,
  type RecordToPublish,
} from "./records.ts";

/**
 * Options of a producer.
 *
 * ```ts
 * await using patient = weir.producer({ lingerMs: 50, maxQueueBytes: 1 << 20 });
 * await patient.publish("positions", { key: "cab-7", value: 1 });
 * ```
 */
export interface ProducerOptions {
  /**
   * A name that outlives this producer: the next producer with the same name fences this one. Only
   * needed where one process replaces another. Where clients do not trust each other, it must be
   * hard to guess.
   */
  readonly name?: string;
  /** How long a publish may wait for others to share its frame, in milliseconds; 5 by default. */
  readonly lingerMs?: number;
  /** The most bytes that may be queued or unanswered, also while offline; 4 MiB by default. */
  readonly maxQueueBytes?: number;
}

const LINGER_MS = 5;
export const QUEUE_BYTES = 4 << 20;
const BATCH_BYTES = 128 << 10;
const RETRY_MS = 100;

/**
 * Publishes records that are stored once and in order, even if the connection fails.
 *
 * ```ts
 * await using orders = weir.producer();
 * const { places } = await orders.publish("orders", { key: "order-8", value: { price: 4 } });
 * console.log(places.length);
 * // 1
 * ```
 */
export class Producer {
  readonly #connection: Connection;
  readonly #name: string | undefined;
  readonly #lingerMs: number;
  readonly #maxBytes: number;
  readonly #batches = new Batches();
  readonly #line = new Line<Batch>();
  #bytes = 0;
  /** `{"id":…,"epoch":…` of the current epoch; undefined while there is none. */
  #stamp: string | undefined;
  /** When to request the next epoch. */
  #renewAt = Infinity;
  #asking = false;
  readonly #alarm: Alarm;
  #pumping = false;
  #awaitsMember = false;
  /** Why nothing more is accepted. */
  #refusal: WeirError | undefined;
  #isOver = false;
  #ready: Promise<void> = Promise.resolve();
  /** Resolves `ready`; undefined if it is resolved. */
  #makeReady: (() => void) | undefined;
  readonly #flushed: (() => void)[] = [];
  readonly #resident: Resident = {
    opened: () => this.#pump(),
    lost: () => {
      this.#line.lost();
      this.#asking = false;
    },
    stopped: (error) => this.#stopped(error),
  };

  /** Use `client.producer()`. */
  constructor(connection: Connection, options: ProducerOptions = {}) {
    this.#connection = connection;
    this.#name = options.name;
    this.#lingerMs = options.lingerMs ?? LINGER_MS;
    this.#maxBytes = options.maxQueueBytes ?? QUEUE_BYTES;
    this.#alarm = new Alarm(connection.platform, () => this.#pump());
    connection.add(this.#resident, this);
  }

  /**
   * Stores records in a topic: all records of the call, or none. Resolves when they are on disk.
   * Rejects with a `WeirError` whose `effect` says whether they may be stored, with `queue_full` if
   * `maxQueueBytes` would be exceeded (await `ready` first), or with the signal's reason.
   *
   * ```ts
   * await using producer = weir.producer();
   * const { places } = await producer.publish("positions", { key: "cab-7", value: { lat: 37.75 } });
   * console.log(places);
   * // [ { partition: …, offset: 1 } ]
   * ```
   */
  async publish(
    topic: string,
    records: RecordToPublish | readonly RecordToPublish[],
    { signal }: Abortable = {},
  ): Promise<Published> {
    const [published] = await this.#call([encodePart(topic, records)], signal, (call) => {
      const due = this.#connection.platform.now() + this.#lingerMs;
      this.#batches.add(call, due, this.#full);
    });
    return published as Published;
  }

  /** Publishes to several topics and commits offsets: see `Client.transact`. */
  transact(
    entries: readonly Entry[],
    commit: Claim | undefined,
    signal?: AbortSignal,
  ): Promise<Published[]> {
    return this.#call(entries, signal, (call) => this.#batches.addTransaction(call, commit));
  }

  /**
   * Resolves when there is room in the queue: at once, unless more than half of `maxQueueBytes` is
   * in use. A loop that awaits it before each `publish` is as fast as the gateway, and no faster.
   *
   * ```ts
   * for (let i = 0; i < 10_000; i++) {
   *   await producer.ready;
   *   producer.publish("positions", { key: `cab-${i % 7}`, value: i }).catch(console.error);
   * }
   * ```
   */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * Resolves when all publishes are answered.
   *
   * ```ts
   * producer.publish("positions", { value: 1 }).catch(console.error);
   * await producer.flush();
   * ```
   */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
      this.#changed();
    });
  }

  /**
   * Accepts no more publishes, and resolves when all are answered. `await using` calls it at the
   * end of the block.
   *
   * ```ts
   * producer.publish("positions", { value: 1 }).catch(console.error);
   * await producer.close();
   * ```
   */
  async close(): Promise<void> {
    this.#refusal ??= closedError("producer");
    await this.flush();
    this.#stopped(this.#refusal);
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The size at which a batch is full. */
  get #full(): BatchLimits {
    return { records: this.#connection.limits.publishPartitions, bytes: BATCH_BYTES };
  }

  get #isQuiet(): boolean {
    return this.#batches.size === 0 && this.#line.isEmpty;
  }

  #stopped(error: WeirError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#refusal = error;
    this.#connection.remove(this.#resident);
    this.#alarm.cancel();
    for (const batch of this.#line.clear()) {
      this.#reject(batch, batch.sent || batch.inDoubt ? error.inDoubt() : error);
    }
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      this.#reject(batch, error);
    }
    this.#changed();
  }

  /** Makes a call; `add` adds it to the batches. */
  #call(
    entries: readonly Entry[],
    signal: AbortSignal | undefined,
    add: (call: Waiting) => void,
  ): Promise<Published[]> {
    return settling(signal, ({ resolve, reject }, onAbort) => {
      const call: Waiting = {
        entries,
        bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
        resolve: (offsets, duplicate) =>
          resolve(offsets.map((places) => publishedAt(places, duplicate))),
        reject,
      };
      this.#admit(call);
      onAbort(() => this.#abort(call));
      add(call);
      this.#soon();
    });
  }

  #admit(call: Waiting): void {
    if (this.#refusal) throw this.#refusal;
    requireFits(call.bytes, this.#connection.limits.messageBytes);
    if (this.#bytes > 0 && this.#bytes + call.bytes > this.#maxBytes) {
      throw queueFull(this.#maxBytes);
    }
    this.#bytes += call.bytes;
    if (this.#bytes <= this.#maxBytes / 2 || this.#makeReady) return;
    this.#ready = new Promise((resolve) => this.#makeReady = resolve);
  }

  #abort(call: Waiting): void {
    if (!this.#batches.remove(call)) return;
    this.#bytes -= call.bytes;
    this.#changed();
  }

  /** Sends what is due at the end of this turn: publishes of one turn may share a frame. */
  #soon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    Promise.resolve().then(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { platform, isOpen } = this.#connection;
    if (!isOpen || this.#isOver) return;
    const now = platform.now();
    if (this.#stamp === undefined) return this.#line.isStill ? this.#begin() : undefined;
    if (now >= this.#renewAt && this.#line.isEmpty) return this.#begin();
    if (this.#line.mustRestart) return this.#connection.restart("a publish in doubt was refused");
    for (;;) {
      this.#send(this.#line.next(now));
      this.#awaitMember();
      if (now >= this.#renewAt || !this.#line.hasRoomFor(this.#batches.first?.width ?? 0)) break;
      // Batches are filled only while others are in flight: a lone one is sent at once.
      if (!this.#line.isEmpty && !this.#batches.isDue(now, this.#full)) break;
      const batch = this.#batches.shift();
      if (!batch) break;
      this.#line.add(batch);
    }
    this.#arm(now);
  }

  /** A transaction that is resent waits until its consumer has rejoined; so does all behind it. */
  #awaitMember(): void {
    const { blocked } = this.#line;
    if (!blocked || this.#awaitsMember) return;
    this.#awaitsMember = true;
    blocked.commit?.whenSettled(() => {
      this.#awaitsMember = false;
      this.#soon();
    });
  }

  #send(batches: readonly Batch[]): void {
    for (const [i, batch] of batches.entries()) {
      let members: string;
      try {
        members = membersOf(batch, this.#stamp ?? "");
      } catch (error) {
        // Its sequence is free: the batches behind it are sent once they have moved up.
        this.#line.takeBack(batches.slice(i + 1));
        this.#refuse(batch, error as WeirError);
        return this.#soon();
      }
      this.#connection.request(batch.type, members, (reply) => this.#answered(batch, reply));
    }
  }

  #answered(batch: Batch, reply: OkFrame | ErrorFrame): void {
    const now = this.#connection.platform.now();
    if (batch.stored && (reply.type === "ok" || !isPassing(reply))) {
      this.#line.ok(batch); // resent only to keep the sequences dense
    } else if (reply.type === "ok") {
      const { offsets, duplicate = false } = reply as PublishOk;
      this.#line.ok(batch);
      this.#bytes -= batch.bytes;
      settle(batch, offsets, duplicate);
    } else if (isPassing(reply)) {
      const afterMs = reply.retryAfterMs ?? (reply.retry === "resend" ? 0 : RETRY_MS);
      this.#line.again(batch, reply.effect === "unknown", now, afterMs);
    } else if (reply.code === "producer_unknown") {
      this.#line.again(batch, false, now, 0);
      this.#stamp = undefined;
    } else if (reply.code === "producer_fenced") {
      this.#line.again(batch, false, now, 0);
      this.#stopped(errorOf(reply));
    } else {
      this.#refuse(batch, errorOf(reply));
    }
    this.#changed();
    this.#soon();
  }

  /** Refused for good. A batch of several calls is split: each is sent by itself. */
  #refuse(batch: Batch, refusal: WeirError): void {
    const error = batch.commit ? claimError(refusal) : refusal;
    const apart = batch.calls.length > 1 && !batch.inDoubt
      ? batch.calls.map((call) => newBatch("publish", [call], 0))
      : [];
    this.#line.refused(batch, error.code === "sequence_too_old", apart);
    if (apart.length === 0) this.#reject(batch, batch.inDoubt ? error.inDoubt() : error);
  }

  #reject(batch: Batch, error: WeirError): void {
    this.#bytes -= batch.bytes;
    for (const call of batch.calls) call.reject(error);
    this.#changed();
  }

  /** Requests the first or the next epoch, in which sequences start over. */
  #begin(): void {
    if (this.#asking || this.#isQuiet) return;
    this.#asking = true;
    this.#connection.request("initProducer", { name: this.#name }, (reply) => {
      this.#asking = false;
      const { platform } = this.#connection;
      if (reply.type === "error") {
        const error = errorOf(reply);
        if (error.retry === "never") return this.#stopped(error);
        return this.#alarm.set(platform.now() + (error.detail.retryAfterMs ?? RETRY_MS));
      }
      const { producer, keptMs } = reply as InitProducerOk;
      this.#stamp = JSON.stringify(producer).slice(0, -1);
      this.#renewAt = platform.now() + keptMs / 2;
      for (const batch of this.#line.begin()) this.#reject(batch, forgotten());
      this.#soon();
    });
  }

  #changed(): void {
    if (this.#bytes <= this.#maxBytes / 2) {
      this.#makeReady?.();
      this.#makeReady = undefined;
    }
    if (!this.#isQuiet) return;
    for (const resolve of this.#flushed.splice(0)) resolve();
  }

  /** Sets the alarm for when the first batch is due, or what was refused may be retried. */
  #arm(now: number): void {
    // What was due before now waits for something else: an answer, or a retry.
    const ahead = (at = Infinity) => at > now ? at : Infinity;
    const due = ahead(this.#batches.first?.due);
    const at = Math.min(due, ahead(this.#line.resumeAt));
    this.#alarm.set(at);
  }
}

function forgotten(): WeirError {
  return new WeirError(
    "producer_unknown",
    "The gateway has forgotten the producer: this may be stored",
    { effect: "unknown" },
  );
}
