/** A reader's position in a partition, and what it has got of it. */

import type { Read, Told } from "./history.ts";

/** Offsets that a reader was told of: delivered, or reported as a gap. */
export class Coverage {
  /** From here on everything should come. */
  readonly first: number;
  /** Flat pairs `from, to`, in the order in which they came. */
  readonly #ranges: number[] = [];

  constructor(first: number) {
    this.first = first;
  }

  add(from: number, to: number): void {
    const ranges = this.#ranges;
    const last = ranges.length - 1;
    const begin = ranges[last - 1] ?? Infinity;
    const end = ranges[last] ?? -1;
    if (from >= begin && from <= end) ranges[last] = Math.max(end, to);
    else ranges.push(from, to);
  }

  /** The missing ranges of `[start, next)`. */
  missing(start: number, next: number): [from: number, to: number][] {
    const pairs: [number, number][] = [];
    for (let i = 0; i < this.#ranges.length; i += 2) {
      pairs.push([this.#ranges[i] ?? 0, this.#ranges[i + 1] ?? 0]);
    }
    pairs.sort((a, b) => a[0] - b[0]);
    const missing: [number, number][] = [];
    let expected = Math.max(this.first, start);
    for (const [from, to] of pairs) {
      if (from >= next) break;
      if (from > expected) missing.push([expected, from]);
      expected = Math.max(expected, to);
    }
    if (expected < next) missing.push([expected, next]);
    return missing;
  }
}

export interface Cursor {
  readonly reader: string;
  readonly topic: string;
  readonly incarnation: string | undefined;
  readonly partition: number;
  /** The next offset. */
  expected: number;
  filtered: boolean;
  /** The group, for a member. */
  group: string | undefined;
  /** Why nothing should come any more. */
  over: "told to give it up" | "told that it was lost" | "gave it up" | "left" | undefined;
  readonly coverage: Coverage;
}

/** A `release` of what was not revoked is ignored, so the member continues. */
export function giveUp(cursor: Cursor, event: Told<"revoke"> | Told<"release">): void {
  if (cursor.over === "left" || cursor.over === "told that it was lost") return;
  if (event.f === "release") {
    if (cursor.over === "told to give it up") cursor.over = "gave it up";
  } else if (event.lost) {
    cursor.over = "told that it was lost";
  } else {
    cursor.over ??= "told to give it up";
  }
}

export function highestOf(records: readonly Read[]): number | undefined {
  let highest: number | undefined;
  for (const [offset] of records) if (!(offset <= (highest ?? -1))) highest = offset;
  return highest;
}

/** Describes in a text a reader that should not get anything any more. */
export function saidOf({ over }: Cursor): string {
  switch (over) {
    case "told to give it up":
      return "was told to give up";
    case "told that it was lost":
      return "was told that it had lost";
    case "gave it up":
      return "had given up";
    default:
      return "had left";
  }
}
