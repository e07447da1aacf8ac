/** Whether what was passed on in transactions came out once: each record of one topic, in another. */

import type { PartitionLog } from "./gateway_site.ts";
import type { Fault } from "./site.ts";

/** `originalOf`: whose copy a value is. */
export function checkPassedOn(
  from: readonly PartitionLog[],
  into: readonly PartitionLog[],
  originalOf: (copy: string) => string,
): Fault[] {
  const copies = new Map<string, string>();
  const faults: Fault[] = [];
  for (const { records } of into) {
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
  for (const { topic, partition, records } of from) {
    for (const [offset, value] of records) {
      if (copies.has(value)) continue;
      const text = `${value} at ${topic}/${partition}/${offset} never came out`;
      faults.push({ kind: "never-passed", text });
    }
  }
  return faults;
}
