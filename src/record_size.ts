/**
 * The size of a record: counted against the limits when it comes in, and against a subscription's
 * credit in bytes when it goes out. The protocol promises that both are the same.
 */

import type { RecordIn } from "./types.ts";

/**
 * UTF-8 bytes of the key, of the headers' names and values, and of the value's JSON as it was sent.
 */
export function recordBytes({ key, headers, from, to }: RecordIn): number {
  let bytes = to - from;
  if (key !== undefined) bytes += utf8Bytes(key);
  if (headers) bytes += headersBytes(headers);
  return bytes;
}

export function headersBytes(headers: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) bytes += utf8Bytes(name) + utf8Bytes(value);
  return bytes;
}

/** UTF-8 bytes of a text. A lone surrogate counts three, as its replacement character does. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A surrogate pair: four bytes for both halves.
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return bytes;
}
