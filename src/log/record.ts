/**
 * A record as the log stores it. JSON stays as the client sent it, so that pushes are spliced from
 * spans of bytes, and nothing is parsed and printed again.
 *
 *     flags      u8      1 key · 2 headers · 4 timestamp · 8 base64 · 16 the key has escapes
 *     timestamp  zigzag  minus the section's time          if flagged
 *     key        varint length, body of a JSON string      if flagged
 *     headers    varint length, JSON object                if flagged
 *     value      varint length, JSON
 *
 * The key is in the one form that `JSON.stringify` gives it, so equal keys have equal bytes.
 */

import { LONGEST_TEXT, textAt } from "../protocol/texts.ts";
import { headersBytes, utf8Bytes } from "../record_size.ts";
import type { RecordIn } from "../types.ts";
import type { ByteWriter } from "./bytes.ts";

const KEY = 1;
const HEADERS = 2;
const TIMESTAMP = 4;
const BASE64 = 8;
const ESCAPED = 16;

/** `ignoreBOM` keeps a leading BOM: a key may begin with one. */
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** The canonical form of a key, to store it and look it up: the body of its JSON string. */
export function keyToken(key: string): string {
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0xd800 && code < 0xe000) {
      return JSON.stringify(key).slice(1, -1);
    }
  }
  return key;
}

/** Upper bound of what a record takes besides its texts: flags, lengths, timestamp, producer. */
const OVERHEAD = 64;

/**
 * Upper bound of what records take in a write. It differs from `recordBytes`: a control character
 * in a key or header counts one byte there, and here the six bytes of its escape.
 */
export function storedBytesOf(records: readonly RecordIn[]): number {
  let bytes = 0;
  for (const record of records) bytes += storedBytes(record);
  return bytes;
}

function storedBytes({ key, headers, from, to }: RecordIn): number {
  let bytes = to - from + OVERHEAD;
  if (key !== undefined) bytes += utf8Bytes(keyToken(key));
  if (headers) bytes += utf8Bytes(JSON.stringify(headers));
  return bytes;
}

export function writeRecord(writer: ByteWriter, record: RecordIn, sectionTime: number): void {
  const { key, headers, timestamp, base64 } = record;
  const token = key === undefined ? undefined : keyToken(key);
  let flags = 0;
  if (token !== undefined) flags |= KEY;
  if (token !== key) flags |= ESCAPED;
  if (headers) flags |= HEADERS;
  if (timestamp !== undefined) flags |= TIMESTAMP;
  if (base64) flags |= BASE64;
  writer.u8(flags);
  if (timestamp !== undefined) writer.zigzag(timestamp - sectionTime);
  if (token !== undefined) writer.string(token);
  if (headers) writer.string(JSON.stringify(headers));
  writer.varint(record.to - record.from);
  writer.span(record.source, record.from, record.to);
}

/**
 * Iterates over the records of a section without making an object of each: after `next`, the fields
 * describe the current record. Spans are positions in `bytes`, empty where there is none.
 */
export class RecordCursor {
  readonly bytes: Uint8Array;
  readonly #sectionTime: number;
  #at = 0;
  #flags = 0;
  timestamp = 0;
  keyFrom = 0;
  keyTo = 0;
  headersFrom = 0;
  headersTo = 0;
  valueFrom = 0;
  valueTo = 0;

  constructor(payload: Uint8Array, sectionTime: number) {
    this.bytes = payload;
    this.#sectionTime = sectionTime;
  }

  /** Whether there was another record. */
  next(): boolean {
    if (this.#at >= this.bytes.length) return false;
    this.#flags = this.bytes[this.#at++] as number;
    this.timestamp = this.#flags & TIMESTAMP
      ? this.#sectionTime + this.#zigzag()
      : this.#sectionTime;
    this.keyFrom =
      this.keyTo =
      this.headersFrom =
      this.headersTo =
        0;
    if (this.#flags & KEY) {
      const length = this.#varint();
      this.keyFrom = this.#at;
      this.keyTo = this.#at += length;
    }
    if (this.#flags & HEADERS) {
      const length = this.#varint();
      this.headersFrom = this.#at;
      this.headersTo = this.#at += length;
    }
    const length = this.#varint();
    this.valueFrom = this.#at;
    this.valueTo = this.#at += length;
    return true;
  }

  get hasKey(): boolean {
    return (this.#flags & KEY) !== 0;
  }

  get hasHeaders(): boolean {
    return (this.#flags & HEADERS) !== 0;
  }

  get base64(): boolean {
    return (this.#flags & BASE64) !== 0;
  }

  /** The key in the form of `keyToken`. */
  keyToken(): string | undefined {
    if (!this.hasKey) return undefined;
    const { bytes, keyFrom, keyTo } = this;
    return keyTo - keyFrom <= LONGEST_TEXT && isAscii(bytes, keyFrom, keyTo)
      ? textAt(bytes, keyFrom, keyTo)
      : text.decode(bytes.subarray(keyFrom, keyTo));
  }

  key(): string | undefined {
    const token = this.keyToken();
    return token === undefined || !(this.#flags & ESCAPED) ? token : JSON.parse(`"${token}"`);
  }

  headers(): Record<string, string> | undefined {
    if (!this.hasHeaders) return undefined;
    return JSON.parse(text.decode(this.bytes.subarray(this.headersFrom, this.headersTo)));
  }

  /** As `recordBytes` counted it. */
  recordBytes(): number {
    let bytes = this.valueTo - this.valueFrom;
    if (this.#flags & ESCAPED) bytes += utf8Bytes(this.key() ?? "");
    else bytes += this.keyTo - this.keyFrom;
    if (this.#flags & HEADERS) bytes += headersBytes(this.headers() ?? {});
    return bytes;
  }

  #varint(): number {
    let byte = this.bytes[this.#at++] as number;
    let value = byte & 127;
    for (let scale = 128; byte > 127; scale *= 128) {
      byte = this.bytes[this.#at++] as number;
      value += (byte & 127) * scale;
    }
    return value;
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 127) return false;
  return true;
}
