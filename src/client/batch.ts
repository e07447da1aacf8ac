/** What a reader receives: batches of records of one partition, and gaps between them. */

import type { GapPush, RecordsPush } from "../protocol/gateway_frames.ts";
import type { Capacity } from "./flow.ts";
import { decode, type WeirRecord } from "./records.ts";

/**
 * Records of one partition, in order.
 *
 * ```ts
 * for await (const { partition, records, next } of subscription.batches()) {
 *   console.log(records.length, "of partition", partition, "before", next);
 *   break;
 * }
 * // 1 of partition … before 1
 * ```
 */
export interface RecordBatch<Value = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly WeirRecord<Value>[];
  /** The offset after the last record: what to commit when all are processed. */
  readonly next: number;
  /** These records are the last of each key among those that were skipped (`onSlow: "latest"`). */
  readonly kept: boolean;
}

/**
 * The records from offset `from` up to, but not including, `to` will not be delivered.
 *
 * ```ts
 * const lossy = weir.subscribe("positions", {
 *   onSlow: "latest",
 *   onGap: ({ partition, from, to, reason }) => console.log(partition, to - from, reason),
 * });
 * await lossy.close();
 * ```
 */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** `trimmed`: retention deleted them. `slow`: the reader was too slow, and `onSlow` skips. */
  readonly reason: "trimmed" | "slow";
}

/** A push that waits for the reader. */
export type Delivery<Value> = Arrived<Value> | Skipped;

export interface Arrived<Value> {
  readonly kind: "records";
  readonly at: RecordBatch<Value>;
  /** The credit that it uses. */
  readonly cost: Capacity;
}

export interface Skipped {
  readonly kind: "gap";
  readonly at: Gap;
}

/** The records from `from` on: earlier ones were delivered already. */
export function arrived<Value>(push: RecordsPush, from: number): Arrived<Value> {
  const { topic, partition, next } = push;
  const records: WeirRecord<Value>[] = [];
  for (const pushed of push.records) {
    if (pushed.offset < from && !push.kept) continue;
    records.push(decode(topic, partition, pushed) as WeirRecord<Value>);
  }
  return {
    kind: "records",
    at: { topic, partition, records, next, kept: push.kept === true },
    cost: costOf(push),
  };
}

/** The credit that a push uses. */
export function costOf({ records, bytes }: RecordsPush): Capacity {
  return { records: records.length, bytes };
}

export function skipped({ topic, partition, from, to, reason }: GapPush): Skipped {
  return { kind: "gap", at: { topic, partition, from, to, reason } };
}

/** Merges consecutive deliveries of one partition. */
export function joined<Value>(all: readonly [Arrived<Value>, ...Arrived<Value>[]]): Arrived<Value> {
  const [first] = all;
  const sum = (what: "records" | "bytes") => all.reduce((sum, { cost }) => sum + cost[what], 0);
  const records = all.flatMap(({ at }) => at.records);
  const next = Math.max(...all.map(({ at }) => at.next));
  return {
    kind: "records",
    at: { ...first.at, records, next },
    cost: { records: sum("records"), bytes: sum("bytes") },
  };
}
