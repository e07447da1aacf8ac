/**
 * A section as clients get it: the JSON text of its records, encoded once for all followers, with
 * the places where records end, so that any range of them is a slice. Keys, values and headers are
 * the bytes that the log has; only the numbers are printed.
 */

import { ByteWriter } from "../log/bytes.ts";
import { RecordCursor } from "../log/record.ts";
import type { Section } from "../log/section.ts";

export interface Encoded {
  /** The records, with a comma behind each. */
  readonly text: Uint8Array;
  /** Where record i ends in `text`, without its comma. */
  readonly ends: readonly number[];
  /** The bytes that records 0 to i take of a credit, together. */
  readonly sizes: readonly number[];
  /** Frames made of the whole section, by subscription number: see `frames.ts`. */
  readonly frames: Map<number, Uint8Array>;
}

const utf8 = new TextEncoder();
const OFFSET = utf8.encode('{"offset":');
const TIMESTAMP = utf8.encode(',"timestamp":');
const KEY = utf8.encode(',"key":"');
const VALUE = utf8.encode(',"value":');
const VALUE_BEHIND_KEY = utf8.encode('","value":');
const HEADERS = utf8.encode(',"headers":');
const END = utf8.encode("},");
const BASE64_END = utf8.encode(',"encoding":"base64"},');
/** What most records take beside their payload: names, offset, timestamp. */
const PRINTED_BYTES = 80;
const writer = new ByteWriter(64 * 1_024);

export function encode({ payload, time, base, next }: Section): Encoded {
  const ends: number[] = [];
  const sizes: number[] = [];
  const cursor = new RecordCursor(payload, time);
  let size = 0;
  // Most records have the same timestamp as the one before: its text is copied.
  let stamp = -1;
  let stampFrom = 0;
  let stampTo = 0;
  writer.reset();
  writer.reserve(payload.length + PRINTED_BYTES * (next - base));
  for (let offset = base; cursor.next(); offset++) {
    writer.raw(OFFSET);
    writer.digits(offset);
    if (cursor.timestamp === stamp) writer.span(writer.bytes, stampFrom, stampTo);
    else {
      stamp = cursor.timestamp;
      stampFrom = writer.length;
      writer.raw(TIMESTAMP);
      writer.digits(stamp);
      stampTo = writer.length;
    }
    if (cursor.hasKey) {
      writer.raw(KEY);
      writer.span(payload, cursor.keyFrom, cursor.keyTo);
    }
    writer.raw(cursor.hasKey ? VALUE_BEHIND_KEY : VALUE);
    writer.span(payload, cursor.valueFrom, cursor.valueTo);
    if (cursor.hasHeaders) {
      writer.raw(HEADERS);
      writer.span(payload, cursor.headersFrom, cursor.headersTo);
    }
    writer.raw(cursor.base64 ? BASE64_END : END);
    ends.push(writer.length - 1);
    sizes.push(size += cursor.recordBytes());
  }
  return { text: writer.copy(), ends, sizes, frames: new Map() };
}

/** The canonical keys of a section's records, in order; undefined for a record without one. */
export function keysOf({ payload, time }: Section): (string | undefined)[] {
  const keys: (string | undefined)[] = [];
  const cursor = new RecordCursor(payload, time);
  while (cursor.next()) keys.push(cursor.keyToken());
  return keys;
}
