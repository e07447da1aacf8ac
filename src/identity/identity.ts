/** Who is at the other end of a connection or a request, as far as the gateway knows. */

import { IDENTITY } from "../limits.ts";
import { EVERYTHING, type Rights } from "./rights.ts";

export interface Identity {
  /** Whose names its producers and instances are; `""` where nobody says who they are. */
  readonly subject: string;
  readonly rights: Rights;
  /** When its token ends, on the wall clock in milliseconds; undefined: never. */
  readonly expiresAt: number | undefined;
  /** What the token allows at most, where it says so. */
  readonly limits: TokenLimits;
}

/** Its token has ended, and the time to renew it, too. `now`: on the wall clock. */
export function isOver({ expiresAt }: Pick<Identity, "expiresAt">, now: number): boolean {
  return expiresAt !== undefined && expiresAt + IDENTITY.graceMs <= now;
}

/** Limits of one subject at one gateway, in place of those that the settings have for everyone. */
export interface TokenLimits {
  /** Records a second that it may publish. */
  readonly rate?: number;
  /** Sockets that it may have open. */
  readonly sockets?: number;
}

/** Everyone, where no keys are configured. */
export const ANYONE: Identity = {
  subject: "",
  rights: EVERYTHING,
  expiresAt: undefined,
  limits: {},
};

/**
 * Whose token this is; undefined: none was given. Rejects with `unauthenticated`, or with `unavailable`
 * while the keys to check it with cannot be had.
 */
export type Authenticate = (token: string | undefined) => Identity | Promise<Identity>;

export const anyone: Authenticate = () => ANYONE;
