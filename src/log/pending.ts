/** A queued append, with what is worked out about it once, before it waits for its turn. */

import { GatewayError } from "../errors.ts";
import { ADVERTISED, LOG, TOPIC } from "../limits.ts";
import type { Offset, Place, RecordIn } from "../types.ts";
import type { Append, AppendPart, Arrived } from "./append.ts";
import { partitionOf, partitionOfProducer } from "./partitioner.ts";
import { storedBytesOf } from "./record.ts";
import type { Stripe } from "./stripe.ts";
import type { TopicLog } from "./topic_log.ts";
import { requirePartition } from "./topics.ts";

export interface PendingPart {
  readonly append: AppendPart;
  readonly log: TopicLog;
  /** The partition of each record. */
  readonly partitions: readonly number[];
  readonly stripes: readonly Stripe[];
  /** The offset of each record in the current write. */
  offsets: readonly Offset[];
}

export interface Pending {
  readonly append: Append;
  /** See `unanswered.ts`. */
  readonly number: number;
  readonly parts: readonly PendingPart[];
  /** All that it touches. */
  readonly stripes: readonly Stripe[];
  readonly bytes: number;
  /** On the monotonic clock. */
  readonly since: number;
  /** An earlier write may have stored it. */
  inDoubt: boolean;
  /** Whether its stripes were reread from the store, which is done if only some of them have it. */
  look: "none" | "under way" | "done";
  /** It was answered; nobody waits for it any more. */
  answered: boolean;
}

const NONE: readonly Offset[] = [];

/** Prepares an append whose topics are loaded. Throws if it is invalid. */
export function pend({ append, number, since }: Arrived, logs: readonly TopicLog[]): Pending {
  let bytes = 0;
  const parts = append.parts.map((part, i): PendingPart => {
    const log = logs[i] as TopicLog;
    if (log.ended) throw log.ended;
    const partitions = partitionsOf(part, log);
    bytes += storedBytesOf(part.records);
    return { append: part, log, partitions, stripes: stripesOf(log, partitions), offsets: NONE };
  });
  const only = parts.length === 1 ? parts[0] : undefined;
  const stripes = only?.stripes ?? [...new Set(parts.flatMap((part) => part.stripes))];
  if (stripes.length > TOPIC.stripes) {
    throw new GatewayError(
      "transaction_too_large",
      `Cannot write to ${stripes.length} stripes of partitions at once: at most ${TOPIC.stripes}`,
    );
  }
  if (bytes > LOG.entryBytes) {
    throw new GatewayError(
      only ? "batch_too_large" : "transaction_too_large",
      `Cannot write ${bytes} bytes at once, escapes in keys and headers included: ` +
        `at most ${LOG.entryBytes}`,
    );
  }
  return {
    append,
    number,
    parts,
    stripes,
    bytes,
    since,
    inDoubt: false,
    look: "none",
    answered: false,
  };
}

/** The partition and offset of each record in the current write, part by part. */
export function placesOf({ parts }: Pending): Place[][] {
  return parts.map(({ partitions, offsets }) =>
    partitions.map((partition, i): Place => [partition, offsets[i] as Offset])
  );
}

function partitionsOf({ topic, records, producer }: AppendPart, log: TopicLog): number[] {
  let keyless: number | undefined;
  const found: number[] = new Array(records.length);
  for (let i = 0; i < records.length; i++) {
    const { key, partition } = records[i] as RecordIn;
    if (partition !== undefined) {
      requirePartition(topic, partition);
      found[i] = partition;
    } else if (key !== undefined) found[i] = partitionOf(key, topic.partitions);
    else {
      found[i] = keyless ??= producer
        ? partitionOfProducer(producer.id, producer.sequence, topic.partitions)
        : log.nextPartition();
    }
  }
  return found;
}

function stripesOf(log: TopicLog, partitions: readonly number[]): readonly Stripe[] {
  const [only] = log.stripes;
  if (only && log.stripes.length === 1) return log.stripes;
  const [first] = partitions;
  if (first !== undefined && partitions.length === 1) return [log.stripeOf(first)];
  const distinct = new Set(partitions);
  if (distinct.size > ADVERTISED.publishPartitions) {
    throw new GatewayError(
      "batch_too_large",
      `Cannot publish to ${distinct.size} partitions at once: at most ${ADVERTISED.publishPartitions}`,
    );
  }
  return [...new Set([...distinct].map((partition) => log.stripeOf(partition)))];
}
