/** Chooses how much goes into one push, within the credit and the size of a push. Pure. */

import { SESSION } from "../limits.ts";
import type { Section } from "../log/section.ts";
import type { Offset } from "../types.ts";
import { keysOf } from "./encoded.ts";
import { encodedOf } from "./encoded_cache.ts";
import type { Piece } from "./frames.ts";

export interface Allowed {
  readonly records: number;
  /** Only the last record may exceed it. */
  readonly bytes: number;
}

export interface Portion {
  readonly pieces: readonly Piece[];
  readonly records: number;
  readonly bytes: number;
  /** The offset after everything that is in it or was not wanted. */
  readonly next: Offset;
}

/** Which records of a section are wanted, counted from its first, in order; undefined: all. */
export type Pick = (section: Section) => readonly number[];

export function portionOf(
  sections: readonly Section[],
  from: Offset,
  allowed: Allowed,
  pick?: Pick,
): Portion {
  const taking = { pieces: [] as Piece[], records: 0, bytes: 0, next: from };
  for (const section of sections) {
    const more = pick
      ? takePicked(taking, section, pick(section), allowed)
      : takeRun(taking, section, allowed);
    if (!more) break;
    taking.next = section.next;
  }
  return taking;
}

interface Taking {
  pieces: Piece[];
  records: number;
  bytes: number;
  next: Offset;
}

/** Takes the records from `taking.next` on that fit; returns whether all did. */
function takeRun(taking: Taking, section: Section, allowed: Allowed): boolean {
  const { sizes } = encodedOf(section);
  const first = Math.max(0, taking.next - section.base);
  const before = sizes[first - 1] ?? 0;
  const begun = { records: taking.records, bytes: taking.bytes };
  let to = first;
  for (; to < sizes.length; to++) {
    const bytes = begun.bytes + (sizes[to] as number) - before;
    if (!fits(taking, bytes, allowed)) break;
    taking.records++;
    taking.bytes = bytes;
  }
  if (to > first) taking.pieces.push({ section, from: first, to });
  taking.next = section.base + to;
  return to === sizes.length;
}

function takePicked(
  taking: Taking,
  section: Section,
  records: readonly number[],
  allowed: Allowed,
): boolean {
  if (records.length === 0) return true; // the section need not be encoded
  const { sizes } = encodedOf(section);
  for (const i of records) {
    if (section.base + i < taking.next) continue;
    const bytes = taking.bytes + (sizes[i] as number) - (sizes[i - 1] ?? 0);
    if (!fits(taking, bytes, allowed)) {
      taking.next = section.base + i;
      return false;
    }
    taking.pieces.push({ section, from: i, to: i + 1 });
    taking.records++;
    taking.bytes = bytes;
  }
  return true;
}

/** Whether one more record fits, with which there would be `bytes` in all. */
function fits(taking: Taking, bytes: number, allowed: Allowed): boolean {
  if (taking.records >= allowed.records || taking.bytes >= allowed.bytes) return false;
  return taking.records === 0 || bytes <= SESSION.pushBytes;
}

/** Which records of a section have one of these keys. */
export function recordsWith(section: Section, keys: ReadonlySet<string>): number[] {
  const records: number[] = [];
  for (const [i, key] of keysOf(section).entries()) {
    if (key !== undefined && keys.has(key)) records.push(i);
  }
  return records;
}
