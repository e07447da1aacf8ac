/**
 * The frames of `weir.v1` as the tests read them, written from the protocol's page and not imported
 * from the gateway: a test that shared its types would share its mistakes.
 */

/** Any frame, before it is interpreted. */
export type Frame =
  & { readonly type: string; readonly id?: number }
  & Readonly<
    Record<string, unknown>
  >;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface Position extends TopicPartition {
  readonly offset: number;
}

export interface SentRecord {
  readonly key?: string;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly partition?: number;
  readonly timestamp?: number;
  readonly encoding?: "base64";
}

export interface DeliveredRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly encoding?: "base64";
}

export interface Producer {
  readonly id: string;
  readonly epoch: number;
}

export interface Stamp extends Producer {
  readonly sequence: number;
}

export interface ErrorReply {
  readonly type: "error";
  readonly id?: number;
  readonly code: string;
  readonly message: string;
  readonly retry: string;
  readonly effect: string;
  readonly expected?: number;
  readonly start?: number;
  readonly next?: number;
  readonly retryAfterMs?: number;
}

export interface Welcome {
  readonly session: string;
  readonly server: unknown;
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly expiresAt?: number;
}

export interface ProducerGiven {
  readonly producer: Producer;
  readonly keptMs: number;
}

export type Place = readonly [partition: number, offset: number];

export interface Published {
  readonly offsets: readonly Place[];
  readonly duplicate?: true;
}

export interface Transacted {
  readonly offsets: readonly (readonly Place[])[];
  readonly duplicate?: true;
}

export interface Subscribed {
  readonly subscription: number;
  readonly positions: readonly (Position & { readonly reset?: string })[];
  readonly incarnation: string;
  readonly recovered: boolean;
}

export interface Joined {
  readonly subscription: number;
  readonly member: string;
  readonly epoch: number;
}

export interface Committed {
  readonly offsets: readonly Position[];
}

export interface RecordsPush extends TopicPartition {
  readonly type: "records";
  readonly subscription: number;
  readonly records: readonly DeliveredRecord[];
  readonly next: number;
  readonly bytes: number;
  readonly kept?: true;
}

export interface GapPush extends TopicPartition {
  readonly type: "gap";
  readonly subscription: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export interface AssignPush {
  readonly type: "assign";
  readonly subscription: number;
  readonly epoch: number;
  readonly partitions: readonly (Position & {
    readonly incarnation: string;
    readonly end: number;
  })[];
}

export interface RevokePush {
  readonly type: "revoke";
  readonly subscription: number;
  readonly epoch: number;
  readonly partitions: readonly TopicPartition[];
  readonly deadlineMs?: number;
  readonly lost?: true;
}

export interface EndPush {
  readonly type: "end";
  readonly subscription: number;
  readonly code: string;
  readonly message: string;
  readonly retry: string;
}

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

/** What comes without a request, by `type`. */
export interface Pushes {
  readonly records: RecordsPush;
  readonly gap: GapPush;
  readonly assign: AssignPush;
  readonly revoke: RevokePush;
  readonly end: EndPush;
  readonly heartbeat: HeartbeatPush;
  readonly drain: DrainPush;
  readonly ping: { readonly type: "ping" };
  /** An error without an id. */
  readonly error: ErrorReply;
}

/** HTTP status, retry rule and effect of each code: section 5 of the page. */
export const ERROR_TABLE: Readonly<
  Record<string, readonly [status: number, retry: string, effect: string]>
> = {
  invalid_frame: [400, "never", "none"],
  unknown_type: [404, "never", "none"],
  unauthenticated: [401, "never", "none"],
  forbidden: [403, "never", "none"],
  unknown_topic: [404, "never", "none"],
  unknown_partition: [404, "never", "none"],
  unknown_group: [404, "never", "none"],
  unknown_subscription: [404, "never", "none"],
  topic_exists: [409, "never", "none"],
  group_active: [409, "never", "none"],
  record_too_large: [413, "never", "none"],
  batch_too_large: [413, "never", "none"],
  too_many_subscriptions: [429, "never", "none"],
  rate_limited: [429, "same", "none"],
  overloaded: [503, "same", "none"],
  sequence_gap: [409, "resend", "none"],
  sequence_too_old: [409, "never", "none"],
  producer_fenced: [409, "never", "none"],
  producer_unknown: [409, "never", "none"],
  offset_out_of_range: [416, "never", "none"],
  not_owner: [409, "rejoin", "none"],
  fenced: [409, "rejoin", "none"],
  transaction_too_large: [413, "never", "none"],
  unavailable: [503, "same", "none"],
  timeout: [504, "same", "unknown"],
  internal: [500, "same", "unknown"],
};
