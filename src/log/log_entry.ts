/**
 * An entry of a stripe's log as it is in memory: what one write appended to the partitions of the
 * stripe. Entries are numbered from 0 without a gap; they are immutable and shared by all readers.
 */

import { HEAP_BYTES } from "../heap_bytes.ts";
import type { Offset } from "../types.ts";
import type { DecodedEntry } from "./entry.ts";
import type { Section } from "./section.ts";
import type { Stripe } from "./stripe.ts";

export interface LogEntry {
  readonly number: number;
  /** When it was appended. Never decreases from entry to entry. */
  readonly time: number;
  /** For each partition of the stripe, its next offset before this entry. */
  readonly bases: readonly Offset[];
  readonly sections: readonly Section[];
  /** Its size in the store. */
  readonly bytes: number;
}

/** The memory that an entry takes, with its objects. */
export function memoryBytes({ bytes, sections, bases }: LogEntry | DecodedEntry): number {
  const { entry, section, base } = HEAP_BYTES;
  return bytes + entry + section * sections.length + base * bases.length;
}

export function logEntry(stripe: Stripe, number: number, decoded: DecodedEntry): LogEntry {
  return {
    number,
    time: decoded.time,
    bases: decoded.bases,
    bytes: decoded.bytes,
    sections: decoded.sections.map(({ partition, count, payload }) => {
      const base = decoded.bases[partition] ?? 0;
      return {
        topic: stripe.topic,
        partition: stripe.first + partition,
        entry: number,
        base,
        next: base + count,
        time: decoded.time,
        payload,
      };
    }),
  };
}
