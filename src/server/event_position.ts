/**
 * The id of an event: where a reader of an event stream stands in all partitions that it follows, so
 * that a browser which comes back with it (`Last-Event-ID`) goes on there. Opaque to clients:
 *
 *     incarnation : partition . offset - partition . offset …      numbers to the base 36
 */

import { isInteger, isWhole } from "../protocol/fields.ts";
import { TOPIC } from "../limits.ts";
import type { Offset } from "../types.ts";

export interface EventPosition {
  readonly incarnation: string;
  readonly positions: readonly { readonly partition: number; readonly offset: Offset }[];
}

const BASE = 36;

/** The present id of a stream. Only the partition that moves is printed anew. */
export class EventId {
  readonly #incarnation: string;
  readonly #parts = new Map<number, string>();

  constructor({ incarnation, positions }: EventPosition) {
    this.#incarnation = incarnation;
    for (const { partition, offset } of positions) this.move(partition, offset);
  }

  /** The next offset of this partition is another one. */
  move(partition: number, offset: Offset): void {
    this.#parts.set(partition, `${partition.toString(BASE)}.${offset.toString(BASE)}`);
  }

  toString(): string {
    return `${this.#incarnation}:${[...this.#parts.values()].join("-")}`;
  }
}

/** What an id says; undefined if it is none. */
export function readEventId(text: string): EventPosition | undefined {
  const match = /^([0-9A-Za-z]{1,200}):([0-9a-z.-]*)$/.exec(text);
  if (!match) return undefined;
  const [, incarnation = "", list = ""] = match;
  const positions = list.split("-").map((part) => {
    const [partition, offset] = part.split(".").map((digits) => parseInt(digits, BASE));
    return { partition: partition ?? NaN, offset: offset ?? NaN };
  });
  const valid = positions.every(({ partition, offset }) =>
    isInteger(partition, 0, TOPIC.partitions - 1) && isWhole(offset)
  );
  const distinct = new Set(positions.map(({ partition }) => partition)).size === positions.length;
  return valid && distinct ? { incarnation, positions } : undefined;
}
