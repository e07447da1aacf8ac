/**
 * Surge pricing: the number of free cabs in each cell of the city, and the price of a ride there.
 * When it rains, twice as many people want a cab.
 */

import type { Fix } from "./fixes.ts";
import type { Member, Task, Work } from "./member.ts";

/** Cells of a hundredth of a degree: about a kilometre. */
function cellOf({ lat, lon }: Fix): string {
  return `${lat.toFixed(2)},${lon.toFixed(2)}`;
}

export class Surge implements Work {
  readonly group = "surge";
  readonly title = "Surge pricing";
  readonly topics: readonly string[];
  /** Where each driver was last seen, and whether free; shared by the members of the group. */
  readonly #last = new Map<string, { readonly cell: string; readonly free: boolean }>();
  raining = false;

  constructor(fixes: string) {
    this.topics = [fixes];
  }

  begin(member: Member): Task {
    // It knows only the present: nothing needs to be restored with a partition.
    return {
      process: async ({ topic, partition, records, next }) => {
        for (const { key = "", value } of records) {
          const fix = value as Fix;
          this.#last.set(key, { cell: cellOf(fix), free: !fix.occupied });
        }
        await member.consumer.commit([{ topic, partition, offset: next }]);
      },
    };
  }

  /** The most expensive cell now, with its factor on the usual price. */
  dearest(): { cell: string; times: number } {
    const cells = new Map<string, { cabs: number; free: number }>();
    for (const { cell, free } of this.#last.values()) {
      const known = cells.get(cell) ?? { cabs: 0, free: 0 };
      cells.set(cell, { cabs: known.cabs + 1, free: known.free + (free ? 1 : 0) });
    }
    let dearest = { cell: "nowhere", times: 1 };
    for (const [cell, { cabs, free }] of cells) {
      const times = Math.min(4, (this.raining ? 2 : 1) * cabs / Math.max(1, 2 * free));
      if (times > dearest.times) dearest = { cell, times };
    }
    return dearest;
  }
}
