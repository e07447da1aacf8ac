/** What spans stand for. */

import { isObject } from "../../src/protocol/fields.ts";
import { Span } from "../../src/protocol/json_reader.ts";

/** What was read from these bytes, with the text of every span in its place. */
export function spelledOut(bytes: Uint8Array, read: unknown): unknown {
  return withSpans(read, ({ from, to }) => new TextDecoder().decode(bytes.subarray(from, to)));
}

/** The same, with the value of each, whose text must have nothing around it. */
export function made(bytes: Uint8Array, read: unknown): unknown {
  return withSpans(read, ({ from, to }) => {
    const text = new TextDecoder().decode(bytes.subarray(from, to));
    if (text !== text.trim()) throw new Error(`A span has white space around it: "${text}"`);
    return JSON.parse(text);
  });
}

function withSpans(read: unknown, instead: (span: Span) => unknown): unknown {
  if (read instanceof Span) return instead(read);
  if (Array.isArray(read)) return read.map((element) => withSpans(element, instead));
  if (!isObject(read)) return read;
  const members = Object.entries(read);
  return Object.fromEntries(members.map(([name, value]) => [name, withSpans(value, instead)]));
}
