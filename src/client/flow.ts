/**
 * Flow control by credit. The credit that the gateway has, what was received and waits, and what is
 * processed but not yet returned as credit always add up to the capacity. So the memory of a slow
 * loop is bounded, also across reconnections. Pure.
 */

/**
 * A number of records, and of bytes as the gateway counts them (key, headers and the value's JSON).
 * At most 100,000 records and 64 MiB: higher values count as these.
 *
 * ```ts
 * const small = weir.subscribe("positions", { capacity: { records: 10, bytes: 65_536 } });
 * await small.close();
 * ```
 */
export interface Capacity {
  readonly records: number;
  readonly bytes: number;
}

export class Flow {
  readonly #capacity: Capacity;
  #held = { records: 0, bytes: 0 };
  #owed = { records: 0, bytes: 0 };

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  /** The credit of a new subscription: less by what was received before and still waits. */
  opening(): Capacity {
    this.#owed = { records: 0, bytes: 0 };
    return {
      records: Math.max(0, this.#capacity.records - this.#held.records),
      bytes: Math.max(0, this.#capacity.bytes - this.#held.bytes),
    };
  }

  arrived({ records, bytes }: Capacity): void {
    this.#held.records += records;
    this.#held.bytes += bytes;
  }

  /** It was processed or discarded. */
  done({ records, bytes }: Capacity): void {
    this.#held.records -= records;
    this.#held.bytes -= bytes;
    this.#owed.records += records;
    this.#owed.bytes += bytes;
  }

  /** The credit to return now, if it is at least half of the capacity. */
  due(): Capacity | undefined {
    const { records, bytes } = this.#owed;
    if (records * 2 < this.#capacity.records && bytes * 2 < this.#capacity.bytes) return undefined;
    this.#owed = { records: 0, bytes: 0 };
    return { records, bytes };
  }
}
