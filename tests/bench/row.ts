/**
 * What a row of the table is: either the same load against several sides, whose throughput is compared,
 * or whatever figures a load of its own gives.
 */

import { type Figure, withServer } from "./loads.ts";
import type { Core, Server } from "./processes.ts";

/** A recording of cabs that may lie beside the project. */
export const FIXES = "../shared/data/sf-cabs.tsv";

/** Of the city. */
export const DRIVERS = 100_000;

/** How it is measured this time. */
export interface Bench {
  /** How long a load is measured. */
  readonly ms: number;
  readonly repeats: number;
  /** How long the city drives, and how many of its drivers. */
  readonly minutes: number;
  readonly drivers: number;
  /** Smaller loads, for a look. */
  readonly isQuick: boolean;
  /** A recording that drivers follow, where it is there. */
  readonly fixes: string;
  /** Starts the gateway that is looked at; the flags of a profile are its caller's. */
  readonly gateway: (env?: Readonly<Record<string, string>>, core?: Core) => Promise<Server>;
}

export interface Side {
  readonly name: string;
  /** Whether its load can also be sent by the clock, for latencies at a part of its peak. */
  readonly hasOpenLoop: boolean;
  run(ms: number, perSecond?: number): Promise<Figure>;
}

interface Load {
  readonly name: string;
  readonly load: string;
  /** Takes too long to be run with the others. */
  readonly onlyIfNamed?: true;
  /** Is run when there is a minute for all of them. */
  readonly isQuick?: true;
}

export interface ThroughputRow extends Load {
  /** A side, or a line that says why there is none. */
  sides(bench: Bench): readonly (Side | string)[] | Promise<readonly (Side | string)[]>;
}

/** By what they are of. */
export type Figures = Readonly<Record<string, number | string>>;

export interface FigureRow extends Load {
  /** It is long enough to be run once. */
  readonly isOnce?: true;
  figures(bench: Bench): Promise<Figures>;
}

export type Row = ThroughputRow | FigureRow;

/** A side whose server is started anew for every run. A load that takes a rate has an open loop. */
export function side<S extends Server>(
  name: string,
  start: () => Promise<S>,
  load: (server: S, ms: number, perSecond?: number) => Promise<Figure>,
): Side {
  return {
    name,
    hasOpenLoop: load.length > 2,
    run: (ms, perSecond) => withServer(start(), (server) => load(server, ms, perSecond)),
  };
}
