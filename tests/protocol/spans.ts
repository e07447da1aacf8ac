/** What spans stand for. */

import { isObject } from "../../src/protocol/fields.ts";
import { Span } from "../../src/protocol/json_reader.ts";

/** What was read from these bytes, with the text of every span in its place. */
export function spelledOut(bytes: Uint8Array, read: unknown): unknown {
  return withSpans(bytes, read, (text) => text);
}

/** The same, with the value of each, whose text must have nothing around it. */
export function made(bytes: Uint8Array, read: unknown): unknown {
  return withSpans(bytes, read, (text) => {
    if (text !== text.trim()) throw new Error(`A span has white space around it: "${text}"`);
    return JSON.parse(text);
  });
}

function withSpans(bytes: Uint8Array, read: unknown, instead: (text: string) => unknown): unknown {
  if (read instanceof Span) {
    return instead(new TextDecoder().decode(bytes.subarray(read.from, read.to)));
  }
  if (Array.isArray(read)) return read.map((element) => withSpans(bytes, element, instead));
  if (!isObject(read)) return read;
  const members = Object.entries(read);
  return Object.fromEntries(
    members.map(([name, value]) => [name, withSpans(bytes, value, instead)]),
  );
}
