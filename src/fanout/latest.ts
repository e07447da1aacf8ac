/**
 * The last record of each key among those that a slow client has missed: `onSlow: "latest"`. First
 * the records are chosen, newest first as far as the credit allows; then they are read again as the
 * client takes them, with only one push at a time in memory.
 */

import { CREDIT, LOG, SESSION } from "../limits.ts";
import type { Section } from "../log/section.ts";
import type { Offset, Topic } from "../types.ts";
import { keysOf } from "./encoded.ts";
import { encodedOf } from "./encoded_cache.ts";
import { type Piece, pieceBytes } from "./frames.ts";
import type { ReadableLog } from "./hub.ts";
import type { Pace } from "./pace.ts";
import type { Allowed } from "./portion.ts";

/** What a client has missed of a partition. */
export interface Span {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
}

/** What goes into one push, and what is left for the next. */
export interface KeptPortion {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly left: readonly Offset[];
}

export class Latest {
  readonly #log: ReadableLog;
  readonly #pace: Pace;
  #last: Promise<unknown> = Promise.resolve();

  constructor(log: ReadableLog, pace: Pace) {
    this.#log = log;
    this.#pace = pace;
  }

  /** Runs one task at a time, in order: each takes much memory. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** The offsets of the last record of each key, as many as are allowed. */
  async choose(
    span: Span,
    allowed: Allowed,
    wanted: ReadonlySet<string> | undefined,
  ): Promise<readonly Offset[]> {
    const from = Math.max(span.from, span.to - CREDIT.latestRecords);
    const found: Section[] = [];
    let bytes = 0;
    for await (const sections of this.#pages({ ...span, from }, LOG.readBytes)) {
      found.push(...sections);
      bytes += sections.reduce((sum, { payload }) => sum + payload.length, 0);
      while (bytes > CREDIT.latestBytes && found.length > 1) {
        bytes -= found.shift()?.payload.length ?? 0;
      }
    }
    return lastOfEachKey(found, { ...span, from }, allowed, wanted);
  }

  /** The first of the chosen records, as many as fit into one push. */
  async portion(span: Span, chosen: readonly Offset[]): Promise<KeptPortion> {
    const pieces: Piece[] = [];
    let bytes = 0;
    let taken = 0;
    const from = chosen[0] ?? span.to;
    for await (const sections of this.#pages({ ...span, from }, SESSION.pushBytes)) {
      for (const section of sections) {
        for (; (chosen[taken] ?? Infinity) < section.next; taken++) {
          if (bytes >= SESSION.pushBytes) return { pieces, bytes, left: chosen.slice(taken) };
          const at = (chosen[taken] as Offset) - section.base;
          if (at < 0) continue; // retention has passed it
          const piece = { section, from: at, to: at + 1 };
          pieces.push(piece);
          bytes += pieceBytes(piece);
        }
      }
      if (taken === chosen.length) break;
    }
    return { pieces, bytes, left: [] };
  }

  async *#pages({ topic, partition, from, to }: Span, bytesMax: number) {
    for (let next = from; next < to;) {
      await this.#pace.turn();
      const { sections } = await this.#log.read(topic, partition, { from: next, bytesMax });
      const last = sections.at(-1);
      if (!last) return;
      yield sections;
      next = last.next;
    }
  }
}

/**
 * Chosen newest first, as far as is allowed; returned in the order of offsets. Records without a
 * key are left out.
 */
function lastOfEachKey(
  sections: readonly Section[],
  { from, to }: Span,
  allowed: Allowed,
  wanted: ReadonlySet<string> | undefined,
): Offset[] {
  const kept: Offset[] = [];
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
      kept.push(offset);
    }
  }
  return kept.reverse();
}
