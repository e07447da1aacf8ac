/**
 * Bugs as real teams have had them, each a few lines of the gateway that look right. The simulation
 * must find each of them, and the other tests must miss it: that is what the simulation is for.
 * None of them is in the gateway: `plant.ts` puts them into a copy.
 */

import type { Kind } from "../../checker/finding.ts";
import { GROUP_BUGS } from "./group_bugs.ts";
import { LOG_BUGS } from "./log_bugs.ts";
import { READING_BUGS } from "./reading_bugs.ts";

/** A passage of a source file, and its replacement. */
export interface Change {
  /** Below `src/`. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** Kinds of findings: the checker's, and those that only the simulation sees. */
export type Finding = Kind | "passed-twice" | "reset" | "threw" | "hangs";

export interface Bug extends Change {
  readonly name: string;
  /** Why it seemed right, and what it causes. */
  readonly story: string;
  /** The findings that count as finding it: its effects on clients. */
  readonly findings: readonly Finding[];
  /** The clients of the worlds to search; absent: the seed decides. */
  readonly world?: "frames" | "client";
  /** Further changes that it needs. */
  readonly also?: readonly Change[];
}

export const BUGS: readonly Bug[] = [...LOG_BUGS, ...READING_BUGS, ...GROUP_BUGS];
