/** Parameters of a simulated world: durations, number of gateways, and what happens to them. */

export interface Scenario {
  readonly gateways: number;
  /** How long faults last, and how long the world then has to heal, in virtual milliseconds. */
  readonly faultyMs: number;
  readonly healingMs: number;
  /**
   * Faults last longer than that, until clients have made and read so many requests and records.
   */
  readonly operations: number;
  /** Between two publishes of one client, from and to. */
  readonly publishMs: readonly [number, number];
  /**
   * In addition to what happens in any world: gateways stop for longer than a lease and continue,
   * their clocks jump, connections stay half open, topics are deleted and created again, retention
   * overtakes readers, and transactions are retried.
   */
  readonly wide: boolean;
  /** And transactions over two topics. */
  readonly broad: boolean;
  /**
   * And clients that crash, slow reads, a store that stalls, writes that are minutes late, members
   * that leave and join again and again, and topics deleted while a group of several rebalances.
   */
  readonly harsh: boolean;
}

/** The worlds of the first seeds that failed: unchanged, so that those can be run again. */
export const NARROW: Scenario = {
  gateways: 1,
  faultyMs: 15_000,
  healingMs: 25_000,
  operations: 0,
  publishMs: [1, 40],
  wide: false,
  broad: false,
  harsh: false,
};

/** The worlds of the next seeds that failed. */
export const WIDE: Scenario = {
  gateways: 3,
  faultyMs: 25_000,
  healingMs: 26_000,
  operations: 1_000,
  publishMs: [40, 300],
  wide: true,
  broad: false,
  harsh: false,
};

/** And of those after them. */
export const BROAD: Scenario = { ...WIDE, broad: true };

/** Everything that there is. */
export const HARSH: Scenario = { ...BROAD, harsh: true };
