/**
 * Spoils a history in which all is right, in one place and in one of many ways, as a gateway with a
 * bug would have: to see whether the checker notices, and says what it is.
 */

import type { Chance } from "../../support/chance.ts";
import type { Kind } from "../finding.ts";
import type { Event } from "../history.ts";
import { GROUP_CORRUPTIONS } from "./groups.ts";
import { LOG_CORRUPTIONS } from "./logs.ts";
import { READER_CORRUPTIONS } from "./readers.ts";

export interface Corruption {
  readonly name: string;
  /** Kinds of which at least one must be found. */
  readonly kinds: readonly Kind[];
  /** The spoilt history; undefined if there is nothing in this one to be spoilt so. */
  readonly apply: (events: readonly Event[], chance: Chance) => Event[] | undefined;
}

export const CORRUPTIONS: readonly Corruption[] = [
  ...LOG_CORRUPTIONS,
  ...READER_CORRUPTIONS,
  ...GROUP_CORRUPTIONS,
];
