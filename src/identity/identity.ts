/** Who is behind a connection or a request, as far as the gateway knows. */

import { IDENTITY } from "../limits.ts";
import { EVERYTHING, type Rights } from "./rights.ts";

export interface Identity {
  /** The owner of its producer and instance names; `""` if no authentication is configured. */
  readonly subject: string;
  readonly rights: Rights;
  /** When its token expires, on the wall clock in milliseconds; undefined: never. */
  readonly expiresAt: number | undefined;
  /** The limits that the token sets, if any. */
  readonly limits: TokenLimits;
}

/** Whether its token has expired, and the grace period to renew it, too. `now`: the wall clock. */
export function isOver({ expiresAt }: Pick<Identity, "expiresAt">, now: number): boolean {
  return expiresAt !== undefined && expiresAt + IDENTITY.graceMs <= now;
}

/** Limits of one subject at one gateway, which replace those of the settings. */
export interface TokenLimits {
  /** The records per second that it may publish. */
  readonly rate?: number;
  /** The sockets that it may have open. */
  readonly sockets?: number;
}

/** The identity of everyone if no keys are configured. */
export const ANYONE: Identity = {
  subject: "",
  rights: EVERYTHING,
  expiresAt: undefined,
  limits: {},
};

/**
 * Returns the identity of a token; undefined: none was given. Rejects with `unauthenticated`, or
 * with `unavailable` while the keys to verify it cannot be fetched.
 */
export type Authenticate = (token: string | undefined) => Identity | Promise<Identity>;

export const anyone: Authenticate = () => ANYONE;
