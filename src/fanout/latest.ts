/** Of what a slow client missed, the last record of each key: `onSlow: "latest"`. Pure. */

import type { Section } from "../log/section.ts";
import type { Offset } from "../types.ts";
import { encodedOf, keysOf } from "./encoded.ts";
import type { Piece } from "./frames.ts";
import type { Allowed } from "./portion.ts";

/**
 * The last record of each key in `[from, to)`, as many as are allowed, newest first; in the order of
 * their offsets. Records without a key are not kept.
 */
export function lastOfEachKey(
  sections: readonly Section[],
  from: Offset,
  to: Offset,
  allowed: Allowed,
  wanted: ReadonlySet<string> | undefined,
): Piece[] {
  const kept: Piece[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  for (const section of sections.toReversed()) {
    const keys = keysOf(section);
    const { sizes } = encodedOf(section);
    for (let i = keys.length - 1; i >= 0; i--) {
      const offset = section.base + i;
      const key = keys[i];
      if (offset < from || offset >= to || key === undefined || seen.has(key)) continue;
      if (wanted && !wanted.has(key)) continue;
      if (kept.length >= allowed.records || bytes >= allowed.bytes) return kept.reverse();
      seen.add(key);
      bytes += (sizes[i] ?? 0) - (sizes[i - 1] ?? 0);
      kept.push({ section, from: i, to: i + 1 });
    }
  }
  return kept.reverse();
}
