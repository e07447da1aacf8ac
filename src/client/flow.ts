/**
 * How much the gateway may send before the application has dealt with it. What it may send, what has
 * come and waits, and what is dealt with and not given back yet always add up to the capacity: so
 * what a slow loop holds is bounded, over reconnections too. Pure.
 */

/**
 * Records, and bytes as the gateway counts them (key, headers and the value's JSON). More than
 * 100,000 records or 64 MiB no gateway grants: they count as so many.
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

  /** The credit with which a new subscription begins, while what came before still waits. */
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

  /** It was dealt with, or is void. */
  done({ records, bytes }: Capacity): void {
    this.#held.records -= records;
    this.#held.bytes -= bytes;
    this.#owed.records += records;
    this.#owed.bytes += bytes;
  }

  /** What to give back now: as soon as it is half of all there is. */
  due(): Capacity | undefined {
    const { records, bytes } = this.#owed;
    if (records * 2 < this.#capacity.records && bytes * 2 < this.#capacity.bytes) return undefined;
    this.#owed = { records: 0, bytes: 0 };
    return { records, bytes };
  }
}
