/**
 * The pushes of a subscription: `records`, spliced from encoded sections, and `gap`. A `PushFormat`
 * says how they are written: sockets get frames.
 */

import type { Section } from "../log/section.ts";
import type { GapReason } from "../protocol/gateway_frames.ts";
import type { Offset, Topic } from "../types.ts";
import { encodedOf, keepFrame } from "./encoded_cache.ts";

/** Records `[from, to)` of a section, counted from its first. */
export interface Piece {
  readonly section: Section;
  readonly from: number;
  readonly to: number;
}

export interface FeedRecords {
  readonly subscription: number;
  readonly topic: Topic;
  readonly partition: number;
  readonly pieces: readonly Piece[];
  readonly next: Offset;
  /** The bytes that the records take of a credit. */
  readonly bytes: number;
  /** The records are the last ones of each key among those that were skipped. */
  readonly kept?: boolean;
}

export interface FeedGap {
  readonly subscription: number;
  readonly topic: Topic;
  readonly partition: number;
  /** Offsets from here to before `to` will not come. */
  readonly from: Offset;
  readonly to: Offset;
  readonly reason: GapReason;
}

/** How pushes are written. */
export interface PushFormat {
  /** Records in one push at most, for formats that write more than the record. */
  readonly mostRecords: number;
  records(push: FeedRecords): string | Uint8Array;
  gap(push: FeedGap): string | Uint8Array;
}

export const FRAMES: PushFormat = { mostRecords: Infinity, records: recordsFrame, gap: gapFrame };

const utf8 = new TextEncoder();

/** The bytes that a piece takes of a credit. */
export function pieceBytes({ section, from, to }: Piece): number {
  const { sizes } = encodedOf(section);
  return (sizes[to - 1] ?? 0) - (sizes[from - 1] ?? 0);
}

function recordsFrame(push: FeedRecords): Uint8Array {
  const whole = wholeSection(push);
  const known = whole && encodedOf(whole).frames.get(push.subscription);
  if (known) return known;
  const frame = splice(push);
  if (whole) keepFrame(whole, push.subscription, frame);
  return frame;
}

function gapFrame({ subscription, topic, partition, from, to, reason }: FeedGap): string {
  return `{"type":"gap","subscription":${subscription},"topic":"${topic.name}",` +
    `"partition":${partition},"from":${from},"to":${to},"reason":"${reason}"}`;
}

/** The section, if the push is exactly one whole section. */
function wholeSection({ pieces, next, kept }: FeedRecords): Section | undefined {
  const [piece] = pieces;
  if (!piece || pieces.length > 1 || kept) return undefined;
  const { section, from, to } = piece;
  const isWhole = from === 0 && to === section.next - section.base && next === section.next;
  return isWhole ? section : undefined;
}

function splice({ subscription, topic, partition, pieces, next, bytes, kept }: FeedRecords) {
  const head = utf8.encode(
    `{"type":"records","subscription":${subscription},"topic":"${topic.name}",` +
      `"partition":${partition},"records":[`,
  );
  const tail = utf8.encode(`],"next":${next},"bytes":${bytes}${kept ? ',"kept":true' : ""}}`);
  const texts = pieces.map(textOf);
  const length = texts.reduce((sum, text) => sum + text.length + 1, 0) - 1;
  const frame = new Uint8Array(head.length + length + tail.length);
  frame.set(head);
  let at = head.length;
  for (const [i, text] of texts.entries()) {
    if (i > 0) frame[at++] = 0x2c;
    frame.set(text, at);
    at += text.length;
  }
  frame.set(tail, at);
  return frame;
}

/** The JSON of a piece's records, with commas between them. */
export function textOf({ section, from, to }: Piece): Uint8Array {
  const { text, ends } = encodedOf(section);
  return text.subarray(from === 0 ? 0 : (ends[from - 1] ?? 0) + 1, ends[to - 1]);
}
