/**
 * A subscription: the records of a topic, or of some of its partitions or keys, from a position on.
 * It outlives connections: on each new one it continues after the last record that it received, and
 * reports what was missed.
 */

import type {
  ErrorFrame,
  OkFrame,
  ResetReason,
  SubscribeOk,
  SubscriptionPush,
} from "../protocol/gateway_frames.ts";
import { type Abortable, whenAborted } from "./abort.ts";
import { arrived, type Gap, type RecordBatch, skipped } from "./batch.ts";
import type { Connection, Receiver, Resident } from "./connection.ts";
import { asyncDispose } from "./dispose.ts";
import { closedError, errorOf } from "./errors.ts";
import type { Capacity } from "./flow.ts";
import { guarded } from "./guarded.ts";
import { Intake } from "./intake.ts";
import { Progress } from "./progress.ts";
import type { RecordPlace, WeirRecord } from "./records.ts";

/**
 * The position of a reader. Keep it, and pass it as `from` to continue there.
 *
 * ```ts
 * await subscription.ready;
 * const kept = JSON.stringify(subscription.position);
 * const later = weir.subscribe("positions", { from: JSON.parse(kept) });
 * await later.close();
 * ```
 */
export interface Position {
  readonly positions: readonly RecordPlace[];
  /** The id of the topic: a topic that is deleted and created again has another one. */
  readonly incarnation: string;
}

/**
 * How a subscription was resumed, on a new connection or from a position.
 *
 * ```ts
 * const rides = weir.subscribe("positions", {
 *   onResume: ({ recovered }) => recovered || console.log("Something was missed: reload it all"),
 * });
 * await rides.close();
 * ```
 */
export interface Resumed {
  /** Whether nothing was missed. */
  readonly recovered: boolean;
  /** Where each partition continues; `reset` says why that is not where the reader was. */
  readonly positions: readonly (RecordPlace & { readonly reset?: ResetReason })[];
}

/**
 * Options of a subscription.
 *
 * ```ts
 * const mine = weir.subscribe("notifications", {
 *   keys: ["ada", "everyone"],
 *   from: { timestamp: Date.now() - 3_600_000 },
 * });
 * await mine.close();
 * ```
 */
export interface SubscribeOptions extends Abortable {
  /** Only these partitions. */
  readonly partitions?: readonly number[];
  /** Only records with one of these keys: 1 to 100. */
  readonly keys?: readonly string[];
  /**
   * Where to begin. `latest` (the default): records that are published from now on. `earliest`: all
   * records. A timestamp in milliseconds since 1970: records that were appended since then. Or a
   * position that was kept, which also says which partitions; but if the topic was deleted and
   * created again, it is read from its start, in all its partitions or those of `partitions` or
   * `keys`.
   */
  readonly from?: "latest" | "earliest" | { readonly timestamp: number } | Position;
  /** How much may be received but not yet processed; 2,000 records and 4 MiB by default. */
  readonly capacity?: Partial<Capacity>;
  /**
   * What to do if the loop is slower than the publishers. `block` (the default) falls behind and
   * misses nothing, `drop` skips to the newest records, `latest` also keeps the last of each key.
   */
  readonly onSlow?: "block" | "drop" | "latest";
  /** Called when records will not be delivered, in their place between the others. */
  readonly onGap?: (gap: Gap) => void;
  /** Called when the subscription is resumed, before the records that follow. */
  readonly onResume?: (resumed: Resumed) => void;
}

const RETRY_MS = 200;
/** The value of `#inHand` while there is no batch. */
const NOTHING = { partition: -1, isVoid: true };

/**
 * The records of a topic, as an async iterable for one loop: each once, in the order of its
 * partition.
 *
 * ```ts
 * const rides = weir.subscribe("positions", { keys: ["cab-7"], from: "earliest" });
 * for await (const { offset, value } of rides) {
 *   console.log(offset, value);
 *   break;
 * }
 * // 0 { lat: 37.75 }
 * ```
 */
export class Subscription<Value = unknown> implements AsyncIterable<WeirRecord<Value>> {
  /**
   * Resolves when the subscription is established: from then on nothing is missed. Rejects if that
   * fails for good.
   *
   * ```ts
   * const live = weir.subscribe("positions");
   * await live.ready;
   * await weir.publish("positions", { key: "cab-7", value: "seen" });
   * for await (const { value } of live) {
   *   console.log(value);
   *   break;
   * }
   * // seen
   * ```
   */
  readonly ready: Promise<void>;
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #options: SubscribeOptions;
  readonly #intake: Intake<Value>;
  #settleReady!: { resolve: () => void; reject: (error: unknown) => void };
  #incarnation: string | undefined;
  readonly #progress = new Progress();
  #seeks: Seek[] = [];
  /** The loop's current batch; void if the reader has sought elsewhere in its partition. */
  #inHand = NOTHING;
  /** The topic was created again, maybe with other partitions: it is read from its start. */
  #anew = false;
  #forget: () => void = () => {};
  readonly #resident: Resident = {
    opened: () => this.#subscribe(),
    lost: () => this.#intake.detach(),
    stopped: (error) => this.#end(error.code === "closed" ? undefined : error, false),
  };
  readonly #receiver: Receiver = {
    pushed: (frame) => this.#pushed(frame),
    heads: (heads) => heads.forEach((head) => this.#progress.head(head)),
  };

  /** Use `client.subscribe()`. */
  constructor(connection: Connection, topic: string, options: SubscribeOptions = {}) {
    this.#connection = connection;
    this.#topic = topic;
    this.#options = options;
    this.#intake = new Intake(connection, options.capacity);
    this.ready = new Promise((resolve, reject) => this.#settleReady = { resolve, reject });
    this.ready.catch(() => {});
    const { signal, from } = options;
    if (typeof from === "object" && "positions" in from) {
      this.#incarnation = from.incarnation;
      for (const place of from.positions) this.#progress.move(place);
    }
    this.#forget = whenAborted(signal, (reason) => this.#end(reason, true));
    if (!this.#intake.inbox.hasEnded) connection.add(this.#resident, this);
  }

  /**
   * How far the loop has come, for each partition: keep it, and pass it as `from` to continue
   * there. Undefined until the subscription is established.
   *
   * ```ts
   * await subscription.ready;
   * console.log(subscription.position?.positions.length, "partitions");
   * // 8 partitions
   * ```
   */
  get position(): Position | undefined {
    const incarnation = this.#incarnation;
    return incarnation === undefined ? undefined : { positions: this.#progress.done, incarnation };
  }

  /**
   * How many records are not yet processed, as of the last heartbeat (every `heartbeatMs`, 15 s
   * unless the gateway is configured otherwise).
   *
   * ```ts
   * console.log(subscription.lag);
   * // 0
   * ```
   */
  get lag(): number {
    return this.#progress.lag;
  }

  /**
   * The records in batches of one partition each. When the loop ends, the subscription is closed.
   *
   * ```ts
   * for await (const { records } of subscription.batches()) {
   *   console.log(records.map(({ value }) => value));
   *   break;
   * }
   * // [ { lat: 37.75 } ]
   * ```
   */
  async *batches(): AsyncGenerator<RecordBatch<Value>, void, undefined> {
    const intake = this.#intake;
    try {
      for (let item = await intake.next(); item; item = await intake.next()) {
        if (item.kind === "gap") {
          this.#progress.dealt(item.at.partition, item.at.to);
          this.#options.onGap?.(item.at);
          continue;
        }
        const hand = this.#inHand = { partition: item.at.partition, isVoid: false };
        if (item.at.records.length > 0) yield item.at;
        if (!hand.isVoid) this.#progress.dealt(item.at.partition, item.at.next);
        intake.dealtWith(item.cost);
      }
    } finally {
      await this.close();
    }
  }

  /** The records one by one. When the loop ends, the subscription is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WeirRecord<Value>, void, undefined> {
    for await (const { partition, records } of this.batches()) {
      const hand = this.#inHand;
      for (const record of records) {
        // It has sought elsewhere, or is closed: the rest of the batch is not wanted.
        hand.isVoid ||= hand !== this.#inHand;
        if (hand.isVoid) break;
        yield record;
        if (!hand.isVoid) this.#progress.dealt(partition, record.offset + 1);
      }
    }
  }

  /**
   * Continues at these offsets, and discards records of these partitions that are not yet
   * processed. Rejects with `offset_out_of_range` beyond the end of the log, and with
   * `unknown_partition`.
   *
   * ```ts
   * await subscription.ready;
   * await subscription.seek([{ partition: 0, offset: 0 }]);
   * ```
   */
  seek(positions: readonly RecordPlace[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#intake.inbox.hasEnded) throw closedError("subscription");
      const seek: Seek = { positions, resolve, reject };
      this.#seeks.push(seek);
      if (this.#intake.number !== undefined) this.#sendSeek(seek);
    });
  }

  /**
   * Closes the subscription and ends its loop.
   *
   * ```ts
   * await subscription.close();
   * for await (const record of subscription) console.log(record);
   * ```
   */
  close(): Promise<void> {
    this.#end(undefined, true);
    return Promise.resolve();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #pushed(frame: SubscriptionPush): void {
    switch (frame.type) {
      case "records": {
        const from = this.#progress.nextOf(frame.partition);
        this.#progress.came(frame.partition, frame.next);
        return this.#intake.put(arrived(frame, from));
      }
      case "gap":
        this.#progress.came(frame.partition, frame.to);
        return this.#intake.put(skipped(frame));
      case "end":
        this.#intake.detach();
        return this.#end(errorOf(frame), false);
    }
  }

  #subscribe(): void {
    const { partitions, keys, onSlow, from } = this.#options;
    const positions = this.#progress.next;
    const incarnation = this.#incarnation;
    const resumes = incarnation !== undefined && positions.length > 0 && !this.#anew;
    const members = {
      topic: this.#topic,
      keys,
      onSlow,
      partitions: resumes ? undefined : partitions,
      from: resumes ? { positions, incarnation } : this.#anew ? "earliest" : from,
      credit: this.#intake.credit(),
    };
    this.#connection.request("subscribe", members, (reply) => {
      if (reply.type === "error") this.#refused(reply, resumes);
      else this.#stands(reply, resumes);
    });
  }

  #stands(reply: OkFrame, resumed: boolean): void {
    const { subscription, positions, incarnation, recovered } = reply as SubscribeOk;
    if (this.#intake.inbox.hasEnded) return this.#unsubscribe(subscription);
    if (resumed && incarnation !== this.#incarnation) {
      this.#unsubscribe(subscription);
      return this.#beginAnew();
    }
    if (this.#anew) {
      this.#progress.next.forEach((place) => this.#move(place));
      this.#progress.clear();
    }
    this.#intake.attach(subscription, this.#receiver);
    this.#incarnation = incarnation;
    for (const place of positions) {
      // Unless its end was lost it is the same log, so what was received before is still valid.
      if (place.reset === "beyond_end") this.#move(place);
      else this.#progress.stand(place);
    }
    // Before `onResume`: a `seek` in it is sent at once.
    for (const seek of this.#seeks) this.#sendSeek(seek);
    if (resumed || this.#anew) {
      const places = positions.map(({ topic: _, ...place }) =>
        this.#anew ? { ...place, reset: "incarnation" as const } : place
      );
      const resumption = { recovered: recovered && !this.#anew, positions: places };
      guarded(() => this.#options.onResume?.(resumption));
    }
    this.#anew = false;
    this.#settleReady.resolve();
  }

  #refused(reply: ErrorFrame, resumes: boolean): void {
    const error = errorOf(reply);
    if (resumes && error.code === "unknown_partition") return this.#beginAnew();
    if (error.retry === "never") return this.#end(error, false);
    this.#connection.later(reply.retryAfterMs ?? RETRY_MS, () => {
      if (!this.#intake.inbox.hasEnded) this.#subscribe();
    });
  }

  /** The topic is another one now, and only the gateway knows its partitions. */
  #beginAnew(): void {
    this.#anew = true;
    this.#subscribe();
  }

  #sendSeek(seek: Seek): void {
    const partitions = seek.positions.map((place) => ({ topic: this.#topic, ...place }));
    const members = { subscription: this.#intake.number, partitions };
    this.#connection.request("seek", members, (reply) => {
      this.#seeks = this.#seeks.filter((other) => other !== seek);
      if (reply.type === "error") return seek.reject(errorOf(reply));
      seek.positions.forEach((place) => this.#move(place));
      seek.resolve();
    });
  }

  /** Continues there, and discards what was received of this partition. */
  #move(place: RecordPlace): void {
    const { partition } = place;
    this.#intake.drop({ topic: this.#topic, partition });
    this.#progress.move(place);
    if (this.#inHand.partition === partition) this.#inHand.isVoid = true;
  }

  #end(error: unknown, atOnce: boolean): void {
    if (this.#intake.inbox.hasEnded) return;
    this.#intake.inbox.end(error, atOnce);
    if (atOnce) this.#inHand = NOTHING;
    for (const one of [this.#settleReady, ...this.#seeks]) {
      one.reject(error ?? closedError("subscription"));
    }
    this.#forget();
    this.#connection.remove(this.#resident);
    const { number } = this.#intake;
    this.#intake.detach();
    if (number !== undefined) this.#unsubscribe(number);
  }

  #unsubscribe(subscription: number): void {
    this.#connection.request("unsubscribe", { subscription }, () => {});
  }
}

interface Seek {
  readonly positions: readonly RecordPlace[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
