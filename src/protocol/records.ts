/**
 * Checks and measures the records of a publish, with the places of their values. Written by hand,
 * since it runs for every record; a property test compares it with an equivalent schema.
 *
 * { key?: string, value: any, headers?: { string: string }, partition?: int, timestamp?: int,
 *     encoding?: "base64" }
 */

import { GatewayError } from "../errors.ts";
import { ADVERTISED } from "../limits.ts";
import { recordBytes } from "../record_size.ts";
import type { RecordIn } from "../types.ts";
import {
  invalid,
  isObject,
  isWellFormed,
  isWhole,
  MUST_BE_KEY,
  MUST_BE_SHALLOW,
  MUST_BE_WHOLE,
} from "./fields.ts";
import { QUOTE } from "./json_cursor.ts";
import { Span } from "./json_reader.ts";

const utf8 = new TextDecoder();
/** Values are copied out of a message larger than this if they are at most an eighth of it. */
const LARGE_BYTES = 16 * 1_024;
const SMALL_PART = 8;

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/**
 * The records that the reader found, whose values are in `bytes`; `field` is their name in errors.
 * Throws `invalid_frame`, `record_too_large` or `batch_too_large`.
 */
export function readRecords(
  given: readonly unknown[],
  bytes: Uint8Array,
  field: string,
): RecordIn[] {
  if (given.length === 0) throw invalid(`${field} must have at least one record`);
  if (given.length > ADVERTISED.publishRecords) {
    throw tooLarge("batch", field, `has ${given.length} records`, ADVERTISED.publishRecords);
  }
  const records: RecordIn[] = new Array(given.length);
  let total = 0;
  for (let i = 0; i < given.length; i++) {
    const record = readRecord(given[i], i, bytes, field);
    const size = recordBytes(record);
    if (size > ADVERTISED.recordBytes) {
      throw tooLarge("record", `${field}[${i}]`, `has ${size} bytes`, ADVERTISED.recordBytes);
    }
    total += size;
    records[i] = record;
  }
  if (total > ADVERTISED.publishBytes) {
    throw tooLarge("batch", field, `has ${total} bytes`, ADVERTISED.publishBytes);
  }
  copyOut(records, bytes);
  return records;
}

/**
 * Copies the values if they are a small part of a large message: otherwise records that wait for
 * the store would keep all of it in memory.
 */
export function copyOut(records: Mutable<RecordIn>[], { length }: Uint8Array): void {
  if (length <= LARGE_BYTES) return;
  const bytes = records.reduce((sum, { from, to }) => sum + to - from, 0);
  if (bytes * SMALL_PART > length) return;
  const copy = new Uint8Array(bytes);
  let at = 0;
  for (const record of records) {
    const { source, from, to } = record;
    copy.set(source.subarray(from, to), at);
    record.source = copy;
    record.from = at;
    record.to = at += to - from;
  }
}

function readRecord(given: unknown, i: number, bytes: Uint8Array, field: string): RecordIn {
  if (!isObject(given)) throw invalid(`${field}[${i}] must be an object`);
  const { key, value, headers, partition, timestamp, encoding } = given;
  if (key !== undefined && !isWellFormed(key)) throw invalid(`${field}[${i}].key ${MUST_BE_KEY}`);
  if (!(value instanceof Span)) {
    throw invalid(`${field}[${i}].value must be there: any JSON, be it null`);
  }
  if (value.isTooDeep) throw invalid(`${field}[${i}].value ${MUST_BE_SHALLOW}`);
  if (headers !== undefined && !isHeaders(headers)) {
    throw invalid(`${field}[${i}].headers must be an object of strings`);
  }
  if (partition !== undefined && !isWhole(partition)) {
    throw invalid(`${field}[${i}].partition ${MUST_BE_WHOLE}`);
  }
  if (timestamp !== undefined && !isWhole(timestamp)) {
    throw invalid(`${field}[${i}].timestamp ${MUST_BE_WHOLE}`);
  }
  const { from, to } = value;
  if (encoding !== undefined) {
    if (encoding !== "base64") throw invalid(`${field}[${i}].encoding must be "base64"`);
    if (bytes[from] !== QUOTE || !isBase64(JSON.parse(utf8.decode(bytes.subarray(from, to))))) {
      throw invalid(`${field}[${i}].value must be a string of base64, padded with =`);
    }
  }
  const base64 = encoding === undefined ? undefined : true;
  return { source: bytes, from, to, key, headers, partition, timestamp, base64 };
}

/**
 * The reader's own object is kept, although the client chose its names: each of them, `__proto__`
 * included, is an own member.
 */
function isHeaders(given: unknown): given is Record<string, string> {
  if (!isObject(given)) return false;
  for (const name of Object.keys(given)) if (typeof given[name] !== "string") return false;
  return true;
}

/** The alphabet of RFC 4648, section 4, in full groups of four. */
function isBase64(given: string): boolean {
  if (given.length % 4 !== 0) return false;
  const padding = given.endsWith("==") ? 2 : given.endsWith("=") ? 1 : 0;
  return !/[^A-Za-z0-9+/]/.test(padding === 0 ? given : given.slice(0, -padding));
}

function tooLarge(what: "record" | "batch", field: string, has: string, max: number): GatewayError {
  return new GatewayError(`${what}_too_large`, `${field} ${has}: at most ${max}`);
}
