/**
 * The basic types that all parts share. Terms are Kafka's.
 *
 * Offsets, epochs and times are JavaScript numbers: integers up to 2^53-1, which the wire promises,
 * too. Times are milliseconds since 1970, durations milliseconds.
 */

/** Dense position of a record in its partition, from 0. */
export type Offset = number;

/** A partition by its topic's name, as in frames. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A position in a partition by its topic's name, as in frames. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: Offset;
}

/**
 * A topic at present. `id` is its incarnation: a topic that is deleted and created again has a new
 * one. Everything that is stored for a topic is keyed by `id`, so that it is never taken for data
 * of the new topic.
 */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
}

/**
 * A record on its way into the log. Its value is checked but not parsed: it is the span `[from,
 * to)` of `source`, the client's own JSON text in UTF-8, which is kept unchanged until delivery.
 */
export interface RecordIn {
  readonly source: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly partition?: number | undefined;
  readonly timestamp?: number | undefined;
  /** The value is a JSON string that holds base64. */
  readonly base64?: true | undefined;
}

/** Makes a publish idempotent: see the protocol, section 2. */
export interface ProducerStamp {
  readonly id: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** Where one record went: `[partition, offset]`. */
export type Place = readonly [partition: number, offset: Offset];
