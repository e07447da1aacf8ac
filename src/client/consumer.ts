/**
 * A member of a consumer group, as applications see it: one loop over the records of the partitions
 * that it owns, and commits of what the loop has processed. `membership.ts` has the membership,
 * over reconnections and rebalances.
 *
 * A record counts as processed when the loop asks for the next one: if the loop's body is still
 * running or has thrown, the record is not committed, and the partition's next owner gets it again.
 */

import type { TopicPartition, TopicPartitionOffset } from "../protocol/gateway_frames.ts";
import { type Abortable, whenAborted } from "./abort.ts";
import type { Gap, RecordBatch } from "./batch.ts";
import type { OffsetToCommit } from "./commits.ts";
import type { Connection } from "./connection.ts";
import { asyncDispose } from "./dispose.ts";
import { closedError } from "./errors.ts";
import type { Capacity } from "./flow.ts";
import type { Hand } from "./hands.ts";
import { Membership } from "./membership.ts";
import { place } from "./ownership.ts";
import type { WeirRecord } from "./records.ts";

/**
 * A partition that was assigned to the consumer.
 *
 * ```ts
 * const meter = weir.consume("positions", {
 *   group: "fare-meter",
 *   onAssign: (given) => given.forEach(({ partition, offset }) => console.log(partition, offset)),
 * });
 * await meter.close();
 * ```
 */
export interface Assigned extends TopicPartitionOffset {
  /** The id of the topic: a topic that is deleted and created again has another one. */
  readonly incarnation: string;
}

/**
 * Options of a consumer.
 *
 * ```ts
 * const archive = weir.consume(["positions", "orders"], {
 *   group: "archive",
 *   from: "latest",
 *   autoCommitMs: 1_000,
 *   capacity: { records: 10_000 },
 * });
 * await archive.close();
 * ```
 */
export interface ConsumeOptions extends Abortable {
  /** The group to join. Its members share the partitions; each group reads all records. */
  readonly group: string;
  /**
   * The member's name. If its connection is lost, its partitions wait until it reconnects with the
   * same name. Random by default, so that a short network failure moves no partitions. `false`:
   * they are reassigned at once.
   */
  readonly instance?: string | false;
  /** Where to begin if the group has committed nothing; `earliest` by default. */
  readonly from?: "earliest" | "latest";
  /**
   * The milliseconds after which records that the loop has processed are committed; 100 by default.
   * `false`: only `commit` commits.
   */
  readonly autoCommitMs?: number | false;
  /** How much may be received but not yet processed; 2,000 records and 4 MiB by default. */
  readonly capacity?: Partial<Capacity>;
  /**
   * How long the partitions wait for a member that has lost its connection, in milliseconds; the
   * gateway's default if not given.
   */
  readonly sessionTimeoutMs?: number;
  /** How long the loop may take to give up a partition, in milliseconds. */
  readonly revokeTimeoutMs?: number;
  /**
   * Called when partitions are assigned. Their records wait until it resolves. If it throws, the
   * loop ends; a `seek` in it rejects with `not_owner` if the partitions are lost meanwhile: catch
   * that.
   */
  readonly onAssign?: (partitions: readonly Assigned[]) => void | Promise<void>;
  /**
   * Called when partitions are revoked. They are given up when it resolves; with `lost`, they are
   * lost already. It may run while the loop is at a record of another partition. If it throws, the
   * loop ends: catch the rejection of a `commit` in it.
   */
  readonly onRevoke?: (
    partitions: readonly TopicPartition[],
    why: { readonly lost: boolean },
  ) => void | Promise<void>;
  /** Called when records will not be delivered, in their place between the others. */
  readonly onGap?: (gap: Gap) => void;
}

const AUTO_COMMIT_MS = 100;

/**
 * The records of the partitions that are assigned to this member, as an async iterable for one
 * loop: several loops need several consumers.
 *
 * ```ts
 * const consumer = weir.consume("positions", { group: "fare-meter" });
 * for await (const { key, value } of consumer) {
 *   console.log(key, value);
 *   await consumer.commit();
 *   break;
 * }
 * // cab-7 { lat: 37.75 }
 * ```
 */
export class Consumer<Value = unknown> implements AsyncIterable<WeirRecord<Value>> {
  readonly #membership: Membership<Value>;
  readonly #options: ConsumeOptions;
  #forget: () => void = () => {};
  #closing: Promise<void> = Promise.resolve();
  /** The last call of `onRevoke`: `onAssign` is called after it. */
  #revoking: Promise<void> = Promise.resolve();

  /** Use `client.consume()`. */
  constructor(
    connection: Connection,
    topics: string | readonly string[],
    options: ConsumeOptions,
  ) {
    this.#options = options;
    const { group, instance, from, autoCommitMs = AUTO_COMMIT_MS, capacity } = options;
    const own = instance === false ? undefined : randomName(connection);
    this.#membership = new Membership(connection, {
      join: {
        group,
        topics: typeof topics === "string" ? [topics] : topics,
        instance: instance === undefined || instance === false ? own : instance,
        client: own,
        from,
        sessionTimeoutMs: options.sessionTimeoutMs,
        revokeTimeoutMs: options.revokeTimeoutMs,
      },
      capacity,
      autoCommitMs: autoCommitMs === false ? undefined : autoCommitMs,
    }, {
      revoked: (partitions, lost) => this.#revoked(partitions, lost),
      ended: (error) => this.#end(error),
    });
    this.#forget = whenAborted(options.signal, (reason) => this.#end(reason));
    if (!this.#hasEnded) connection.add(this.#membership, this);
  }

  /**
   * The partitions that this member owns now.
   *
   * ```ts
   * for await (const _ of consumer) break;
   * console.log(consumer.partitions);
   * // […]
   * ```
   */
  get partitions(): readonly TopicPartition[] {
    return this.#membership.ownership.all.map(place);
  }

  /**
   * How many records of its partitions are not yet processed, as of the last heartbeat.
   *
   * ```ts
   * console.log(consumer.lag);
   * // 0
   * ```
   */
  get lag(): number {
    const { all } = this.#membership.ownership;
    return all.reduce((sum, { end, done }) => sum + Math.max(0, end - done), 0);
  }

  /**
   * The records in batches of one partition each. When the loop ends, the consumer leaves the
   * group.
   *
   * ```ts
   * for await (const { topic, partition, records, next } of consumer.batches()) {
   *   console.log(records.length);
   *   await consumer.commit([{ topic, partition, offset: next }]);
   *   break;
   * }
   * // 1
   * ```
   */
  async *batches(): AsyncGenerator<RecordBatch<Value>, void, undefined> {
    for await (const hand of this.#hands()) {
      hand.given = hand.batch.next;
      yield hand.batch;
      this.#membership.dealt(hand, hand.batch.next);
    }
  }

  /** The records one by one. When the loop ends, the consumer leaves the group. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WeirRecord<Value>, void, undefined> {
    for await (const hand of this.#hands()) {
      const { owned, batch: { records, next } } = hand;
      for (const [i, record] of records.entries()) {
        // A revoked partition is given up now, not after the rest of the batch.
        if (owned.revoking || hand.isVoid || this.#hasEnded) break;
        hand.given = record.offset + 1;
        yield record;
        this.#membership.dealt(hand, i === records.length - 1 ? next : record.offset + 1);
      }
    }
  }

  /**
   * Commits these offsets (each the next one to read). Without offsets, commits all records that
   * the loop was given so far, including the current one. Resolves when they are committed; rejects
   * with `not_owner` if a partition belongs to another member by then.
   *
   * ```ts
   * for await (const { value } of consumer) {
   *   console.log(value);
   *   await consumer.commit();
   *   break;
   * }
   * // { lat: 37.75 }
   * ```
   */
  commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    if (this.#hasEnded) return Promise.reject(closedError("consumer"));
    return this.#membership.commit(offsets);
  }

  /**
   * Continues at these offsets; committed offsets never go back. Waits for a connection if there is
   * none, and retries after a temporary error. Rejects with `not_owner` if a partition is not this
   * member's, or is lost meanwhile, and with `offset_out_of_range` beyond the end of the log.
   *
   * ```ts
   * for await (const { topic, partition, offset } of consumer) {
   *   await consumer.seek([{ topic, partition, offset }]);
   *   break;
   * }
   * ```
   */
  seek(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#membership.seek(partitions);
  }

  /**
   * Commits what the loop has processed (unless the consumer is rejoining just then), leaves the
   * group and ends the loop.
   *
   * ```ts
   * await consumer.close();
   * ```
   */
  close(): Promise<void> {
    this.#end(undefined);
    return this.#closing;
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For transactions: the membership whose offsets they commit. */
  get membership(): Membership<Value> {
    return this.#membership;
  }

  get #hasEnded(): boolean {
    return this.#membership.intake.inbox.hasEnded;
  }

  async *#hands(): AsyncGenerator<Hand<Value>, void, undefined> {
    const membership = this.#membership;
    const { intake } = membership;
    let hand: Hand<Value> | undefined;
    try {
      for (let item = await intake.next(); item; item = await intake.next()) {
        if (item.kind === "begun") {
          await this.#revoking;
          const still = membership.ownership.still(item.partitions);
          if (still.length > 0) await this.#options.onAssign?.(still.map(assigned));
        } else if (item.kind === "gap") {
          membership.skipped(item.at, item.at.to);
          this.#options.onGap?.(item.at);
        } else {
          hand = membership.hands.take(item);
          if (hand) yield hand;
          if (hand) membership.hands.putDown(hand);
        }
      }
    } catch (error) {
      if (!this.#hasEnded) throw error;
      await intake.next(); // throws the error that ended it, which says more than `onAssign`'s
    } finally {
      if (hand) membership.hands.putDown(hand);
      await this.close();
    }
  }

  #revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { onRevoke } = this.#options;
    const before = this.#revoking;
    const revoked = before.then(() => onRevoke?.(partitions, { lost }));
    return this.#revoking = revoked.catch((error) => this.#end(error));
  }

  #end(error: unknown): void {
    if (this.#hasEnded) return;
    this.#membership.intake.inbox.end(error, true);
    this.#closing = this.#membership.leave().then(() => {
      this.#forget();
      this.#membership.end();
    });
  }
}

function assigned({ topic, partition, offset, incarnation }: Assigned): Assigned {
  return { topic, partition, offset, incarnation };
}

/** A name that no other page has. */
function randomName({ platform }: Connection): string {
  const part = () => platform.random().toString(36).slice(2, 12);
  return `page-${part()}${part()}`;
}
