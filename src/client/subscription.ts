/**
 * A subscription: the records of a topic, or of some of its partitions or keys, from a position on.
 * It outlives connections: each new one goes on behind the last record that came, and what could not
 * be had is told.
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
 * Where a reader stands, to be kept and given back as `from`.
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
  /** Which topic of this name it is: one that was made again is another one. */
  readonly incarnation: string;
}

/**
 * A subscription was taken up, on a new connection or from a position.
 *
 * ```ts
 * const rides = weir.subscribe("positions", {
 *   onResume: ({ recovered }) => recovered || console.log("Something was missed: load all anew"),
 * });
 * await rides.close();
 * ```
 */
export interface Resumed {
  /** Nothing was missed. */
  readonly recovered: boolean;
  /** Where each partition goes on; with `reset`, why not where it was left. */
  readonly positions: readonly (RecordPlace & { readonly reset?: ResetReason })[];
}

/**
 * What to follow, and how.
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
   * `latest` (unless given): what is published from now on. `earliest`: all that is there. A time in
   * milliseconds since 1970: what was appended from then on. Or a position that was kept: it names
   * the partitions; but a topic that was made again is followed from its start, in all its
   * partitions or those that `partitions` or `keys` say.
   */
  readonly from?: "latest" | "earliest" | { readonly timestamp: number } | Position;
  /** How much may have come and not be dealt with; 2,000 records and 4 MiB unless given. */
  readonly capacity?: Partial<Capacity>;
  /**
   * When the loop is slower than what is published: `block` (unless given) falls behind and misses
   * nothing, `drop` skips to the newest, `latest` does too but keeps the last of each key.
   */
  readonly onSlow?: "block" | "drop" | "latest";
  /** Something will not come. Called in its place between the records. */
  readonly onGap?: (gap: Gap) => void;
  /** It was taken up again. Called when it happens, before the records that follow. */
  readonly onResume?: (resumed: Resumed) => void;
}

const RETRY_MS = 200;
/** The current batch while there is none. */
const NOTHING = { partition: -1, isVoid: true };

/**
 * The records of a topic, as an async iterable for one loop: each once, in partition order.
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
   * Resolves when it first stands: from then on nothing is missed. Rejects if it never will.
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
  /** The batch that the loop is at; void if the reader went elsewhere in its partition. */
  #inHand = NOTHING;
  /** The topic was made again, with whatever partitions: it is followed anew, from its start. */
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
   * What the loop has dealt with, for each partition: keep it, and give it back as `from`. Undefined
   * until it first stands.
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
   * Records that are in the log and not dealt with, as far as the last heartbeat said (every
   * `heartbeatMs`, 15 s unless the gateway is told otherwise).
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
   * The records as they come, several at a time. The loop's end closes the subscription.
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

  /** The records one by one. The loop's end closes the subscription. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WeirRecord<Value>, void, undefined> {
    for await (const { partition, records } of this.batches()) {
      const hand = this.#inHand;
      for (const record of records) {
        // It went elsewhere, or is closed: what is left of the batch is not what was asked for.
        hand.isVoid ||= hand !== this.#inHand;
        if (hand.isVoid) break;
        yield record;
        if (!hand.isVoid) this.#progress.dealt(partition, record.offset + 1);
      }
    }
  }

  /**
   * Goes on at these offsets: what was delivered of these partitions and not dealt with is void.
   * Rejects with `offset_out_of_range` beyond the end, and with `unknown_partition`.
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
   * Ends it: loops end, and nothing more comes.
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
      // What came before is of the same log if only its beginning has gone.
      if (place.reset === "beyond_end") this.#move(place);
      else this.#progress.stand(place);
    }
    // Before it is told of: one that is asked for then is sent at once.
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

  /** What was followed is no more, and which partitions there are now only the gateway knows. */
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

  /** It goes on there: what came of this partition before is void. */
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
