/**
 * A section as clients get it: the JSON text of its records, made once for all who follow, with the
 * places where records end, so that any range of them is a slice. Keys, values and headers are the
 * bytes that the log has; only the numbers are printed.
 *
 * Texts are kept for those who read the same a little later, with the frames that were made of them, up
 * to what they may take in memory: a section that is read after that is encoded again.
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

/** What all that is kept takes in memory. */
const KEPT_BYTES = 16 * 1_024 * 1_024;
/** Of that, the objects of one text, its two numbers of each record, and the object of one frame, as measured. */
const TEXT_BYTES = 1_024;
const RECORD_BYTES = 16;
const FRAME_BYTES = 256;
/** Subscription numbers of which frames are kept: most sessions have their first one and few others. */
const FRAMES_KEPT = 4;

class Texts {
  readonly #kept = new Map<Section, Encoded>();
  #bytes = 0;

  of(section: Section): Encoded {
    const known = this.#kept.get(section);
    if (known) return known;
    const encoded = encode(section);
    this.#kept.set(section, encoded);
    this.#bytes += memoryBytes(encoded);
    this.#makeRoom(section);
    return encoded;
  }

  keepFrame(section: Section, subscription: number, frame: Uint8Array): void {
    const { frames } = this.of(section);
    if (frames.size >= FRAMES_KEPT) {
      this.#bytes -= framesBytes(frames);
      frames.clear();
    }
    frames.set(subscription, frame);
    this.#bytes += FRAME_BYTES + frame.length;
    this.#makeRoom(section);
  }

  /** Gives up what was made first, but not this; an eighth at once: see `forget_oldest.ts`. */
  #makeRoom(section: Section): void {
    if (this.#bytes <= KEPT_BYTES) return;
    for (const [oldest, encoded] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES - KEPT_BYTES / 8 || oldest === section) break;
      this.#kept.delete(oldest);
      this.#bytes -= memoryBytes(encoded);
    }
  }
}

function memoryBytes({ text, ends, frames }: Encoded): number {
  return TEXT_BYTES + text.length + RECORD_BYTES * ends.length + framesBytes(frames);
}

function framesBytes(frames: Encoded["frames"]): number {
  let bytes = 0;
  for (const frame of frames.values()) bytes += FRAME_BYTES + frame.length;
  return bytes;
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
/** What is printed around most records. */
const PRINTED_BYTES = 80;
const writer = new ByteWriter(64 * 1_024);

/** The section's text; the same object for the same section, as long as it is kept. */
export function encodedOf(section: Section): Encoded {
  return texts.of(section);
}

/** Keeps the frame that was made of all of the section, for others with this subscription number. */
export function keepFrame(section: Section, subscription: number, frame: Uint8Array): void {
  texts.keepFrame(section, subscription, frame);
}

function encode({ payload, time, base, next }: Section): Encoded {
  const ends: number[] = [];
  const sizes: number[] = [];
  const cursor = new RecordCursor(payload, time);
  let size = 0;
  // Most records have the section's time, which is printed once.
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
