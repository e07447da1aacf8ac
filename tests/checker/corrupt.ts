/**
 * Spoils a history in which all is right, in one place and in one of many ways, as a gateway with a
 * bug would have: to see whether the checker notices, and says what it is.
 */

import type { Chance } from "../support/chance.ts";
import { CLIENT_CORRUPTIONS } from "./corrupt_clients.ts";
import { LOG_CORRUPTIONS } from "./corrupt_logs.ts";
import type { Kind } from "./finding.ts";
import type { Event } from "./history.ts";

export interface Corruption {
  readonly name: string;
  /** Kinds of which at least one must be found. */
  readonly kinds: readonly Kind[];
  /** The spoilt history; undefined if there is nothing in this one to be spoilt so. */
  readonly apply: (events: readonly Event[], chance: Chance) => Event[] | undefined;
}

export const CORRUPTIONS: readonly Corruption[] = [...LOG_CORRUPTIONS, ...CLIENT_CORRUPTIONS];
