/**
 * A section as clients get it: the JSON text of its records, made once for all who follow, with the
 * places where records end, so that any range of them is a slice. Keys, values and headers are the
 * bytes that the log has; only the numbers are printed.
 *
 * Texts are kept for those who read the same a little later, up to a number of bytes: a section that
 * stays in memory for longer is encoded again when somebody wants it.
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
  /** Frames that were made of all of it, by subscription number: see `frames.ts`. */
  readonly frames: Map<number, Uint8Array>;
}

/** Bytes of text that are kept. With the frames made of it, it takes up to twice as much. */
const KEPT_BYTES = 8 * 1_024 * 1_024;

class Texts {
  readonly #kept = new Map<Section, Encoded>();
  #bytes = 0;

  of(section: Section): Encoded {
    const known = this.#kept.get(section);
    if (known) return known;
    const encoded = encode(section);
    this.#kept.set(section, encoded);
    this.#bytes += encoded.text.length;
    for (const [oldest, { text }] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES || oldest === section) break;
      this.#kept.delete(oldest);
      this.#bytes -= text.length;
    }
    return encoded;
  }
}

const texts = new Texts();

const utf8 = new TextEncoder();
const OFFSET = utf8.encode('{"offset":');
const TIMESTAMP = utf8.encode(',"timestamp":');
const KEY = utf8.encode(',"key":"');
const VALUE = utf8.encode(',"value":');
const VALUE_BEHIND_KEY = utf8.encode('","value":');
const HEADERS = utf8.encode(',"headers":');
const END = utf8.encode("},");
const BASE64_END = utf8.encode(',"encoding":"base64"},');
const writer = new ByteWriter(64 * 1_024);

/** The section's text; the same object for the same section, as long as it is kept. */
export function encodedOf(section: Section): Encoded {
  return texts.of(section);
}

function encode({ payload, time, base }: Section): Encoded {
  const ends: number[] = [];
  const sizes: number[] = [];
  const cursor = new RecordCursor(payload, time);
  let size = 0;
  writer.reset();
  for (let offset = base; cursor.next(); offset++) {
    writer.raw(OFFSET);
    writer.digits(offset);
    writer.raw(TIMESTAMP);
    writer.digits(cursor.timestamp);
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
