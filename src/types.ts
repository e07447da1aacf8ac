/**
 * The values that every part speaks of. Terms are Kafka's.
 *
 * Offsets, epochs and times are JavaScript numbers: integers up to 2^53-1, which is also what the
 * wire promises. Times are milliseconds since 1970, durations milliseconds.
 */

/** Dense position of a record in its partition, from 0. */
export type Offset = number;

/** A partition by the topic's name, as frames name it. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A position in a partition by the topic's name, as frames name it. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: Offset;
}

/**
 * A topic as it is now. `id` is its incarnation: a topic that is deleted and made again has another
 * one, so everything that is stored for a topic is keyed by `id` and never mistaken for the new one's.
 */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
}

/**
 * A record on its way into the log. Its value is checked and never made: it is the
 * span `[from, to)` of `source`, the client's own JSON text in UTF-8, kept from door to store to door.
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

/** What makes a publish repeatable: see the protocol, section 2. */
export interface ProducerStamp {
  readonly id: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** Where one record went: `[partition, offset]`. */
export type Place = readonly [partition: number, offset: Offset];
