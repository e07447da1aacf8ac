/**
 * The id of an event: the reader's position in all partitions that it follows. A browser that
 * reconnects sends it as `Last-Event-ID`, and continues there. Opaque to clients:
 *
 *     incarnation : partition . offset - partition . offset …      numbers in base 36
 */

import { isInteger, isWhole } from "../protocol/fields.ts";
import { TOPIC } from "../limits.ts";
import type { Offset } from "../types.ts";

export interface EventPosition {
  readonly incarnation: string;
  readonly positions: readonly { readonly partition: number; readonly offset: Offset }[];
}

const BASE = 36;

/** The current id of a stream. Formats only the partition that moves. */
export class EventId {
  readonly #incarnation: string;
  readonly #parts = new Map<number, string>();

  constructor({ incarnation, positions }: EventPosition) {
    this.#incarnation = incarnation;
    for (const { partition, offset } of positions) this.move(partition, offset);
  }

  /** Sets the next offset of a partition. */
  move(partition: number, offset: Offset): void {
    this.#parts.set(partition, `${partition.toString(BASE)}.${offset.toString(BASE)}`);
  }

  toString(): string {
    return `${this.#incarnation}:${[...this.#parts.values()].join("-")}`;
  }
}

/** Parses an id; undefined if it is invalid. */
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
