import type { Event } from "./history.ts";
import type { PartitionLog } from "./partition_log.ts";

/** When any record at or after an offset was first acknowledged. */
export class Acknowledged {
  readonly #offsets: readonly number[];
  readonly #times: Float64Array;

  constructor({ sorted }: PartitionLog, events: readonly Event[]) {
    this.#offsets = sorted.map(({ offset }) => offset);
    this.#times = new Float64Array(sorted.length);
    let first = Infinity;
    for (let i = sorted.length - 1; i >= 0; i--) {
      first = Math.min(first, events[sorted[i]?.acked ?? -1]?.at ?? Infinity);
      this.#times[i] = first;
    }
  }

  firstFrom(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) >= offset) high = middle;
      else low = middle + 1;
    }
    return this.#times[low] ?? Infinity;
  }
}
