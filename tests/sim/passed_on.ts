/**
 * Checks that records passed on in transactions appear once: each record of one topic, in another.
 */

import type { PartitionLog } from "./gateway_site.ts";
import type { Violation } from "./site.ts";

/** The value of a copy: unique, with the value that it copies. */
export function copyOf(original: string, copy: string): string {
  return `${original}>${copy}`;
}

function originalOf(copy: string): string {
  return copy.slice(0, copy.lastIndexOf(">"));
}

/** Checks a log that records were passed on into against the topic that they came from. */
export function checkPassedOn(
  log: readonly PartitionLog[],
  from: string,
  into: string,
): Violation[] {
  const copies = new Map<string, string>();
  const faults: Violation[] = [];
  for (const { topic, records } of log) {
    if (topic !== into) continue;
    for (const [, copy] of records) {
      const original = originalOf(copy);
      const other = copies.get(original);
      if (other !== undefined) {
        faults.push({
          kind: "passed-twice",
          text: `${original} came out as ${other} and as ${copy}`,
        });
      }
      copies.set(original, copy);
    }
  }
  for (const { topic, partition, records } of log) {
    if (topic !== from) continue;
    for (const [offset, value] of records) {
      if (copies.has(value)) continue;
      const text = `${value} at ${topic}/${partition}/${offset} never came out`;
      faults.push({ kind: "never-passed", text });
    }
  }
  return faults;
}
