/**
 * A member of a consumer group, as its application has it: the records of the partitions it owns, in
 * one loop, and commits of what the loop has dealt with. How a membership lives over connections and
 * rebalances is in `membership.ts`.
 *
 * What the loop has dealt with is what it has asked behind: a record whose body is still running, or
 * threw, is not committed, and comes again to whoever owns the partition then.
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
 * A partition that the consumer was given.
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
  /** Which topic of this name it is. */
  readonly incarnation: string;
}

/**
 * Which group to join, and how.
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
  /** Members of the same group share the partitions; every group reads everything. */
  readonly group: string;
  /**
   * The member's name, under which its partitions wait for it when its connection is lost. Random
   * unless given, so that a short loss of network moves nothing; `false`: they go elsewhere at once.
   */
  readonly instance?: string | false;
  /** Where a group begins that has committed nothing: `earliest` unless given. */
  readonly from?: "earliest" | "latest";
  /**
   * Milliseconds after which what the loop has dealt with is committed, 100 unless given; `false`:
   * only `commit` commits.
   */
  readonly autoCommitMs?: number | false;
  /** How much may have come and not be dealt with; 2,000 records and 4 MiB unless given. */
  readonly capacity?: Partial<Capacity>;
  /** How long the partitions of an instance wait for it, in milliseconds; the gateway's unless given. */
  readonly sessionTimeoutMs?: number;
  /** How long the loop may take to let go of a partition, in milliseconds. */
  readonly revokeTimeoutMs?: number;
  /**
   * Partitions have come. Their records wait until it resolves. What it throws ends the loop: catch the
   * `not_owner` that a `seek` in it has if they are gone again meanwhile.
   */
  readonly onAssign?: (partitions: readonly Assigned[]) => void | Promise<void>;
  /**
   * Partitions go; with `lost` they are gone already. Without, they are given up when it resolves.
   * It may run while the loop is at a record of another partition. If it throws, the loop ends:
   * catch the rejection of a `commit` in it.
   */
  readonly onRevoke?: (
    partitions: readonly TopicPartition[],
    why: { readonly lost: boolean },
  ) => void | Promise<void>;
  /** Something will not come. Called in its place between the records. */
  readonly onGap?: (gap: Gap) => void;
}

const AUTO_COMMIT_MS = 100;

/**
 * The records of the partitions that a group has assigned to this member, as an async iterable for
 * one loop: several loops need several consumers.
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
  /** The last call of `onRevoke`: `onAssign` comes after it. */
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
   * The partitions that are this member's now.
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
   * Records of its partitions that are in the log and not dealt with, as of the last heartbeat.
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
   * The records as they come, several of a partition at a time. The loop's end leaves the group.
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

  /** The records one by one. The loop's end leaves the group. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WeirRecord<Value>, void, undefined> {
    for await (const hand of this.#hands()) {
      const { owned, batch: { records, next } } = hand;
      for (const [i, record] of records.entries()) {
        // A partition that is being given up goes now, not after all that is left of the batch.
        if (owned.revoking || hand.isVoid || this.#hasEnded) break;
        hand.given = record.offset + 1;
        yield record;
        this.#membership.dealt(hand, i === records.length - 1 ? next : record.offset + 1);
      }
    }
  }

  /**
   * Commits these offsets (each the next one to read), or what the loop has been given so far, the
   * record it is at included. Resolves when the gateway has them; rejects with `not_owner` when a
   * partition is somebody else's by then.
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
   * Goes on at these offsets; committed offsets never go back. Without a connection it waits for
   * one, and it retries when it is refused for the moment. Rejects with `not_owner` for a partition
   * that is not this member's, or is lost meanwhile, and with `offset_out_of_range` beyond the end.
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
   * Commits what the loop has dealt with, unless the consumer is just joining again, leaves the group
   * and ends the loop.
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
      await intake.next(); // throws what it ended with: what `onAssign` could not do then says less
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

/** Long enough that no two pages have the same one. */
function randomName({ platform }: Connection): string {
  const part = () => platform.random().toString(36).slice(2, 12);
  return `page-${part()}${part()}`;
}
