/** Of what a slow client missed, the last record of each key: `onSlow: "latest"`. */

import { CREDIT, LOG } from "../limits.ts";
import type { Section } from "../log/section.ts";
import type { Offset, Topic } from "../types.ts";
import { encodedOf, keysOf } from "./encoded.ts";
import { type Piece, pieceBytes } from "./frames.ts";
import type { ReadableLog } from "./hub.ts";
import type { Pace } from "./pace.ts";
import type { Allowed } from "./portion.ts";

/** Reads what was appended in `[from, to)`: of it the last, as far as it may be in memory together. */
export async function readLast(
  log: ReadableLog,
  pace: Pace,
  { topic, partition }: { readonly topic: Topic; readonly partition: number },
  from: Offset,
  to: Offset,
): Promise<readonly Section[]> {
  const found: Section[] = [];
  let bytes = 0;
  for (let next = from; next < to;) {
    await pace.turn();
    const { sections } = await log.read(topic, partition, next, LOG.readBytes);
    const last = sections.at(-1);
    if (!last) break;
    found.push(...sections);
    bytes += sections.reduce((sum, { payload }) => sum + payload.length, 0);
    while (bytes > CREDIT.latestBytes && found.length > 1) {
      bytes -= found.shift()?.payload.length ?? 0;
    }
    next = last.next;
  }
  return found;
}

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

/** The first of them, one at least, up to the one that makes so many bytes. */
export function firstOf(
  pieces: readonly Piece[],
  bytesMax: number,
): { readonly pieces: readonly Piece[]; readonly bytes: number } {
  let bytes = 0;
  const last = pieces.findIndex((piece) => (bytes += pieceBytes(piece)) >= bytesMax);
  return { pieces: last < 0 ? pieces : pieces.slice(0, last + 1), bytes };
}
