/**
 * What a record counts: against the limits, when it comes in, and against a subscription's credit in
 * bytes, when it goes out. One measure for both, which the protocol promises.
 */

import type { RecordIn } from "./types.ts";

/** UTF-8 of the key, of the headers' names and values, and the value's JSON as it was sent. */
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

/** Bytes of a text in UTF-8. A lone surrogate counts as the three that stand in for it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // The second half of a pair: four bytes for the two of them.
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return bytes;
}
