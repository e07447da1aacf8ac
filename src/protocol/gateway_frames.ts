/**
 * Types of the frames that the gateway sends: what clients may rely on. README.md says what each
 * means. Nothing here exists at run time, so importing it adds nothing to a client.
 */

import type { Effect, ErrorCode, Retry } from "../errors.ts";
import type { TopicPartition, TopicPartitionOffset } from "../types.ts";

export type { TopicPartition, TopicPartitionOffset };

/** A reply that refuses. */
export interface ErrorFrame {
  readonly type: "error";
  readonly id?: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: Retry;
  readonly effect: Effect;
  readonly expected?: number;
  readonly start?: number;
  readonly next?: number;
  readonly retryAfterMs?: number;
}

/** A reply that grants; its other fields depend on the request. */
export interface OkFrame {
  readonly type: "ok";
  readonly id: number;
}

export interface Limits {
  readonly messageBytes: number;
  readonly recordBytes: number;
  readonly publishRecords: number;
  readonly publishBytes: number;
  readonly publishPartitions: number;
  readonly commitOffsets: number;
  readonly inFlight: number;
  readonly subscriptions: number;
}

export interface HelloOk extends OkFrame {
  readonly session: string;
  readonly server: string;
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  readonly limits: Limits;
  /** When the token's rights end, if there is a token. */
  readonly expiresAt?: number;
}

export interface AuthOk extends OkFrame {
  readonly expiresAt?: number;
}

export interface InitProducerOk extends OkFrame {
  readonly producer: { readonly id: string; readonly epoch: number };
  readonly keptMs: number;
}

/** Partition and offset of each record. */
export type Places = readonly (readonly [number, number])[];

export interface PublishOk extends OkFrame {
  readonly offsets: Places;
  readonly duplicate?: true;
}

export interface TransactOk extends OkFrame {
  readonly offsets: readonly Places[];
  readonly duplicate?: true;
}

/** Why a position could not be honoured. */
export type ResetReason = "trimmed" | "incarnation" | "beyond_end";

export interface SubscribeOk extends OkFrame {
  readonly subscription: number;
  readonly positions: readonly (TopicPartitionOffset & { readonly reset?: ResetReason })[];
  readonly incarnation: string;
  readonly recovered: boolean;
}

export interface JoinOk extends OkFrame {
  readonly subscription: number;
  readonly member: string;
  readonly epoch: number;
}

/** A record as it is pushed. With `encoding`, `value` is base64. */
export interface PushedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly encoding?: "base64";
}

export interface RecordsPush extends TopicPartition {
  readonly type: "records";
  readonly subscription: number;
  readonly records: readonly PushedRecord[];
  readonly next: number;
  readonly bytes: number;
  readonly kept?: true;
}

/** Why records will not be delivered. */
export type GapReason = "trimmed" | "slow";

export interface GapPush extends TopicPartition {
  readonly type: "gap";
  readonly subscription: number;
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

export interface AssignPush {
  readonly type: "assign";
  readonly subscription: number;
  readonly epoch: number;
  readonly partitions: readonly AssignedPartition[];
}

export interface AssignedPartition extends TopicPartitionOffset {
  readonly incarnation: string;
  /** The next offset of the log. Older gateways do not send it. */
  readonly end?: number;
}

export interface RevokePush {
  readonly type: "revoke";
  readonly subscription: number;
  readonly epoch: number;
  readonly partitions: readonly TopicPartition[];
  readonly deadlineMs: number;
  readonly lost?: true;
}

export interface EndPush {
  readonly type: "end";
  readonly subscription: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: Retry;
}

/** The state of a partition: everything before `next` was pushed, and the log ends at `end`. */
export interface Head extends TopicPartition {
  readonly next: number;
  readonly end: number;
}

export interface HeartbeatPush {
  readonly type: "heartbeat";
  readonly heads: Readonly<Record<string, readonly Head[]>>;
}

export interface DrainPush {
  readonly type: "drain";
  readonly reconnectAfterMs: number;
}

/** The pushes that belong to a subscription. */
export type SubscriptionPush = RecordsPush | GapPush | AssignPush | RevokePush | EndPush;

export type GatewayFrame =
  | OkFrame
  | ErrorFrame
  | SubscriptionPush
  | HeartbeatPush
  | DrainPush
  | { readonly type: "ping" };
