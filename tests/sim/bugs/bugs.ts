/**
 * Bugs as real teams have had them, each a few lines of the gateway that read as if they were right.
 * The simulation must find each of them; the other tests let them all pass, which is why there is a
 * simulation. None of them is in the gateway: `plant.ts` puts them into a copy.
 */

import type { Kind } from "../../checker/finding.ts";
import { GROUP_BUGS } from "./group_bugs.ts";
import { LOG_BUGS } from "./log_bugs.ts";
import { READING_BUGS } from "./reading_bugs.ts";

/** A passage of a source file, and what stands in its place. */
export interface Change {
  /** Below `src/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** Names of findings: those of the checker, and what the simulation sees besides. */
export type Finding = Kind | "passed-twice" | "reset" | "threw" | "hangs";

export interface Bug extends Change {
  readonly name: string;
  /** Why it seemed right, and what comes of it. */
  readonly story: string;
  /** The names under which it may be found: what it does to clients. */
  readonly findings: readonly Finding[];
  /** Whose world it is looked for in; absent: the seed says. */
  readonly world?: "frames" | "client";
  /** What else it takes. */
  readonly also?: readonly Change[];
}

export const BUGS: readonly Bug[] = [...LOG_BUGS, ...READING_BUGS, ...GROUP_BUGS];
