/** Where a reader stands in a partition, and what it has had of it. */

import type { Read, Told } from "./history.ts";

/** Offsets that were told of, one way or another: delivered, or said not to come. */
export class Coverage {
  /** From here on everything was to come. */
  readonly first: number;
  /** `from, to` by turns, as they came. */
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

  /** What is missing of `[start, next)`. */
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
  /** The offset that is to come. */
  expected: number;
  filtered: boolean;
  /** Of a member: its group. */
  group: string | undefined;
  /** Why nothing is to come any more. */
  over: "told to give it up" | "told that it was lost" | "gave it up" | "left" | undefined;
  readonly coverage: Coverage;
}

/** `release` of what was not to be given up is ignored, so the member goes on. */
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

/** What a text says of a reader to which nothing was to come any more. */
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
