/** What the spans of values stand for, as text. */

import type { ValueSpans } from "../../src/protocol/json.ts";

/** The text of each value, undefined where there is none. */
export function texts(bytes: Uint8Array, spans: ValueSpans = []): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    const [from, to] = [spans[i] as number, spans[i + 1] as number];
    found.push(from < 0 ? undefined : new TextDecoder().decode(bytes.subarray(from, to)));
  }
  return found;
}
