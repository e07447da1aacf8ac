/** How a simulated world is made: how long what lasts, how many gateways there are, what befalls them. */

export interface Scenario {
  readonly gateways: number;
  /** How long faults strike, and how long the world then has to heal, in virtual milliseconds. */
  readonly faultyMs: number;
  readonly healingMs: number;
  /** Faults strike for longer than that until clients have asked for, and read, so much. */
  readonly operations: number;
  /** Between two publishes of one client, from and to. */
  readonly publishMs: readonly [number, number];
  /**
   * Besides what befalls any world: gateways stop for longer than a lease and go on, their clocks
   * jump, connections stay half open, topics are deleted and come again, retention passes under
   * readers, and transactions are tried again.
   */
  readonly wide: boolean;
  /** And transactions over two topics. */
  readonly broad: boolean;
}

/** The worlds of the first seeds that failed: they stay as they were, so that those can be run again. */
export const NARROW: Scenario = {
  gateways: 1,
  faultyMs: 15_000,
  healingMs: 25_000,
  operations: 0,
  publishMs: [1, 40],
  wide: false,
  broad: false,
};

/** Those of the next ones that failed. */
export const WIDE: Scenario = {
  gateways: 3,
  faultyMs: 25_000,
  healingMs: 26_000,
  operations: 1_000,
  publishMs: [40, 300],
  wide: true,
  broad: false,
};

/** All that there is. */
export const BROAD: Scenario = { ...WIDE, broad: true };
