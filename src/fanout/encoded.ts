/**
 * A section as clients get it: the JSON text of its records, made once for all who follow, with the
 * places where records end, so that any range of them is a slice. Keys, values and headers are the
 * bytes that the log has; only the numbers are printed.
 */

import { ByteWriter } from "../log/bytes.ts";
import { RecordCursor } from "../log/record.ts";
import type { Section } from "../log/section.ts";

export interface Encoded {
  /** The records, with a comma behind each. */
  readonly text: Uint8Array;
  /** Where record i ends in `text`, its comma not counted. */
  readonly ends: readonly number[];
  /** What records 0 to i count against a credit in bytes. */
  readonly sizes: readonly number[];
  /** Frames that were made of all of it, by subscription number: a broadcast makes one. */
  readonly frames: Map<number, Uint8Array>;
}

const cache = new WeakMap<Section, Encoded>();
const writer = new ByteWriter(64 * 1_024);

/** The section's text; the same object for the same section. */
export function encodedOf(section: Section): Encoded {
  let encoded = cache.get(section);
  if (!encoded) cache.set(section, encoded = encode(section));
  return encoded;
}

function encode({ payload, time, base }: Section): Encoded {
  const ends: number[] = [];
  const sizes: number[] = [];
  const cursor = new RecordCursor(payload, time);
  let size = 0;
  writer.reset();
  for (let offset = base; cursor.next(); offset++) {
    writer.ascii(`{"offset":${offset},"timestamp":${cursor.timestamp}`);
    if (cursor.hasKey) {
      writer.ascii(',"key":"');
      writer.span(payload, cursor.keyFrom, cursor.keyTo);
      writer.ascii('"');
    }
    writer.ascii(',"value":');
    writer.span(payload, cursor.valueFrom, cursor.valueTo);
    if (cursor.hasHeaders) {
      writer.ascii(',"headers":');
      writer.span(payload, cursor.headersFrom, cursor.headersTo);
    }
    writer.ascii(cursor.base64 ? ',"encoding":"base64"},' : "},");
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
