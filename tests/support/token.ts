/** Tokens for tests, made with the gateway's secret. */

import { type JWTPayload, SignJWT } from "jose";

export const SECRET = "a secret of the tests, long enough";

/** Claims of a token other than its subject and expiry. */
export interface Grants {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly groups?: readonly string[];
  readonly admin?: boolean;
  readonly rate?: number;
  readonly sockets?: number;
}

/** A token for `sub` that expires `endsIn` seconds from now. */
export function tokenFor(sub: string, weir: Grants = {}, endsIn = 600): Promise<string> {
  return signed({ sub, exp: Math.floor(Date.now() / 1_000) + endsIn, weir });
}

export function signed(payload: JWTPayload, secret = SECRET): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));
}
