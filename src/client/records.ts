/**
 * Encodes and decodes records. A record is encoded when it is published, not when it is sent: later
 * changes to the object have no effect, and resending costs nothing.
 */

import type { Places, PushedRecord } from "../protocol/gateway_frames.ts";
import { WeirError } from "./errors.ts";

/**
 * A record to publish.
 *
 * ```ts
 * await weir.publish("positions", {
 *   key: "cab-7",
 *   value: new Uint8Array([1, 2, 3]),
 *   headers: { "content-type": "application/octet-stream" },
 *   timestamp: Date.now(),
 * });
 * ```
 */
export interface RecordToPublish {
  /** Records with the same key go to the same partition, in order; without a key, to any. */
  readonly key?: string;
  /** A JSON value, or bytes as a `Uint8Array`, which arrive as a `Uint8Array`. */
  readonly value: unknown;
  /** Metadata for readers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The partition to use, whatever the key. */
  readonly partition?: number;
  /** Milliseconds since 1970, for readers; the time of the append by default. */
  readonly timestamp?: number;
}

/**
 * A record as it is delivered.
 *
 * ```ts
 * for await (const { topic, offset, key, value } of subscription) {
 *   console.log(topic, offset, key, value);
 *   break;
 * }
 * // positions 0 cab-7 { lat: 37.75 }
 * ```
 */
export interface WeirRecord<Value = unknown> {
  readonly topic: string;
  readonly partition: number;
  /** Its position in the partition. */
  readonly offset: number;
  /** Milliseconds since 1970: as published, or else the time of the append. */
  readonly timestamp: number;
  readonly key?: string;
  /** As published: a JSON value, or a `Uint8Array`. */
  readonly value: Value;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Where a record is stored.
 *
 * ```ts
 * const { places: [place] } = await weir.publish("positions", { key: "cab-7", value: 1 });
 * console.log(place?.offset);
 * // 1
 * ```
 */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/**
 * The result of a publish.
 *
 * ```ts
 * const { places, duplicate } = await producer.publish("positions", [{ value: 1 }, { value: 2 }]);
 * console.log(places.length, duplicate);
 * // 2 false
 * ```
 */
export interface Published {
  /** Where each record is stored, in the order in which they were given. */
  readonly places: readonly RecordPlace[];
  /** The publish was resent, and an earlier attempt had stored it already. */
  readonly duplicate: boolean;
}

/** Encoded records. */
export interface Encoded {
  /** JSON, with commas between them. */
  readonly text: string;
  readonly count: number;
  /** The size of the text in UTF-8: slightly more than the gateway counts. */
  readonly bytes: number;
}

const utf8 = new TextEncoder();
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** The size of a text in UTF-8. */
export function bytesOf(text: string): number {
  return ASCII.test(text) ? text.length : utf8.encode(text).length;
}

/** What one call publishes to one topic. */
export interface Entry extends Encoded {
  readonly topic: string;
}

/** Encodes a publish, or one part of a transaction. Throws `invalid_frame` if it is invalid. */
export function encodePart(
  topic: string,
  records: RecordToPublish | readonly RecordToPublish[],
): Entry {
  if (typeof topic !== "string") {
    throw new WeirError("invalid_frame", `A topic must be a string, not ${typeof topic}`);
  }
  return { topic, ...encodeRecords(records) };
}

function encodeRecords(given: RecordToPublish | readonly RecordToPublish[]): Encoded {
  const records: readonly RecordToPublish[] = Array.isArray(given) ? given : [given];
  if (records.length === 0) {
    throw new WeirError("invalid_frame", "A publish must have at least one record");
  }
  const text = records.map(encode).join();
  return { text, count: records.length, bytes: bytesOf(text) };
}

/** The members of a `publish` frame. */
export function publishOf(topic: string, text: string): string {
  return `"topic":${JSON.stringify(topic)},"records":[${text}]`;
}

/** The members of a `transact` frame with these publishes and this commit. */
export function transactOf(parts: readonly string[], commit: string | undefined): string {
  const publish = parts.map((members) => `{${members}}`);
  return `"publish":[${publish}]${commit === undefined ? "" : `,"commit":${commit}`}`;
}

/** How an encoded record begins. `JSON.stringify` omits a value that JSON cannot represent. */
const VALUE = '{"value":';

function encode(record: RecordToPublish): string {
  const { key, value, headers, partition, timestamp } = record;
  const binary = value instanceof Uint8Array;
  const text = JSON.stringify({
    value: binary ? base64(value) : value,
    key,
    headers,
    partition,
    timestamp,
    encoding: binary ? "base64" : undefined,
  });
  if (text.startsWith(VALUE)) return text;
  throw new WeirError(
    "invalid_frame",
    `A record's value must be JSON or bytes, not ${typeof value}`,
  );
}

/** Decodes a pushed record for the application. Reuses the object of the push. */
export function decode(topic: string, partition: number, pushed: PushedRecord): WeirRecord {
  const record = pushed as { -readonly [Name in keyof WeirRecord]: WeirRecord[Name] } & {
    encoding?: string;
  };
  record.topic = topic;
  record.partition = partition;
  if (record.encoding === "base64") {
    record.value = Uint8Array.from(atob(String(record.value)), (c) => c.charCodeAt(0));
    delete record.encoding;
  }
  return record;
}

/** The places of a reply, or of a map by partition. */
export function placesOf(offsets: Places | ReadonlyMap<number, number>): RecordPlace[] {
  return [...offsets].map(([partition, offset]) => ({ partition, offset }));
}

/** The result of a publish that is stored at these places. */
export function publishedAt(offsets: Places, duplicate = false): Published {
  return { places: placesOf(offsets), duplicate };
}

const CHUNK = 8_192;

function base64(bytes: Uint8Array): string {
  let characters = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    characters += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(characters);
}
