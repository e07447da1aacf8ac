/**
 * Corrupts a correct history in one place, in one of many ways, as a buggy gateway would: to test
 * whether the checker notices, and names it correctly.
 */

import type { Chance } from "../../support/chance.ts";
import type { Kind } from "../finding.ts";
import type { Event } from "../history.ts";
import { ACCESS_CORRUPTIONS } from "./access.ts";
import { GROUP_CORRUPTIONS } from "./groups.ts";
import { LOG_CORRUPTIONS } from "./logs.ts";
import { READER_CORRUPTIONS } from "./readers.ts";

export interface Corruption {
  readonly name: string;
  /** At least one of these kinds must be found. */
  readonly kinds: readonly Kind[];
  /** The corrupted history; undefined if this one has no place for it. */
  readonly apply: (events: readonly Event[], chance: Chance) => Event[] | undefined;
}

export const CORRUPTIONS: readonly Corruption[] = [
  ...LOG_CORRUPTIONS,
  ...READER_CORRUPTIONS,
  ...GROUP_CORRUPTIONS,
  ...ACCESS_CORRUPTIONS,
];
