/**
 * A row of the table: either the same load against several sides, whose throughput is compared, or
 * figures of any kind from a load of its own.
 */

import { type Figure, withServer } from "./loads.ts";
import type { Core, Server } from "./processes.ts";

/** A recording of cabs that may be beside the project. */
export const FIXES = "../shared/data/sf-cabs.tsv";

/** Of the city. */
export const DRIVERS = 100_000;

/** Parameters of a run of the benchmarks. */
export interface Bench {
  /** How long a load is measured. */
  readonly ms: number;
  readonly repeats: number;
  /** How long the city drives, and with how many drivers. */
  readonly minutes: number;
  readonly drivers: number;
  /** Smaller loads, for a quick look. */
  readonly isQuick: boolean;
  /** A recording that drivers follow, if it exists. */
  readonly fixes: string;
  /** Starts the gateway under test; the flags of a profile are its caller's. */
  readonly gateway: (env?: Readonly<Record<string, string>>, core?: Core) => Promise<Server>;
}

export interface Side {
  readonly name: string;
  /** Whether its load can also be sent by the clock, for latencies at parts of its peak. */
  readonly hasOpenLoop: boolean;
  run(ms: number, perSecond?: number): Promise<Figure>;
}

interface Load {
  readonly name: string;
  readonly load: string;
  /** What it should come to; README.md says where it does not, and why. */
  readonly goal?: string;
  /** Takes too long to run with the others. */
  readonly onlyIfNamed?: true;
  /** Part of the run that has a minute for all rows. */
  readonly isQuick?: true;
}

export interface ThroughputRow extends Load {
  /** A side, or a line that says why it is missing. */
  sides(bench: Bench): readonly (Side | string)[] | Promise<readonly (Side | string)[]>;
}

/** Figures by their labels. */
export type Figures = Readonly<Record<string, number | string>>;

export interface FigureRow extends Load {
  /** Long enough to be run only once. */
  readonly isOnce?: true;
  figures(bench: Bench): Promise<Figures>;
}

export type Row = ThroughputRow | FigureRow;

/**
 * A side whose server is started again for every run. A load that takes a rate has an open loop.
 */
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
