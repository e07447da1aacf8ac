/** What a crowd of clients and the run tell each other. Times are milliseconds since 1970. */

export interface CrowdOptions {
  readonly topic: string;
  readonly keys: readonly string[];
  /** The numbers of its clients: from the first to the one before the last. */
  readonly from: number;
  readonly to: number;
  readonly seed: number;
}

/** What a crowd is told: first how to be, then each time which gateways are up, by their ports. */
export type CrowdOrder =
  | { readonly begin: CrowdOptions }
  | { readonly up: readonly number[] };

/** What has happened to a crowd since its last news. */
export interface CrowdNews {
  /** Connections that gateways were asked for: when, and of which. */
  readonly openings: (readonly [at: number, port: number])[];
  /** Clients whose subscriptions stand now: when, whose, where, and how long it had none. */
  readonly stood: (readonly [at: number, client: number, port: number, awayMs: number])[];
  /** Records that came for the first time: to whom, and how long after they were published. */
  readonly came: (readonly [client: number, afterMs: number])[];
  /** Records that came again. */
  again: number;
  /** Why clients were told never to come back. */
  readonly turnedAway: string[];
}

export function noNews(): CrowdNews {
  return { openings: [], stood: [], came: [], again: 0, turnedAway: [] };
}

/** The key that a client follows. */
export function keyOf(client: number, keys: readonly string[]): string {
  return keys[client % keys.length] as string;
}
