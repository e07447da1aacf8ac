/**
 * Verifies tokens with `jose`, here and nowhere else. The algorithm in the token selects the kind
 * of key, and each kind has a fixed list of algorithms: a public key is never used as a secret.
 * Nothing in a token says where to fetch its key.
 */

import {
  base64url,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from "jose";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../host/host.ts";
import type { Authenticate } from "../identity/identity.ts";
import { identityOf, unauthenticated } from "../identity/claims.ts";
import { IDENTITY } from "../limits.ts";
import type { Jwks } from "./jwks.ts";

const BY_SECRET = ["HS256"];
const BY_PUBLIC_KEY = ["ES256", "EdDSA", "RS256"];
const UNREADABLE = "it is no signed token that can be read";

export interface TokenRules {
  /** For HS256. */
  readonly secret: Uint8Array | undefined;
  /** For all the others. */
  readonly jwks: Jwks | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Returns the function that authenticates by these rules. */
export function tokenCheck(rules: TokenRules, clock: Clock): Authenticate {
  return async (token) => {
    if (token === undefined) throw new GatewayError("unauthenticated", "A token is needed");
    if (token.length > IDENTITY.tokenBytes) {
      throw unauthenticated(`it has over ${IDENTITY.tokenBytes} bytes`);
    }
    return identityOf(await verified(token, rules, clock));
  };
}

async function verified(token: string, rules: TokenRules, clock: Clock): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    requiredClaims: ["exp", "sub"],
    clockTolerance: IDENTITY.skewMs / 1_000,
    currentDate: new Date(clock.now()),
    ...(rules.issuer === undefined ? {} : { issuer: rules.issuer }),
    ...(rules.audience === undefined ? {} : { audience: rules.audience }),
  };
  try {
    requireOneSpelling(token);
    const { alg } = decodeProtectedHeader(token);
    if (rules.secret && alg !== undefined && BY_SECRET.includes(alg)) {
      return (await jwtVerify(token, rules.secret, { ...options, algorithms: BY_SECRET })).payload;
    }
    if (rules.jwks && alg !== undefined && BY_PUBLIC_KEY.includes(alg)) {
      const { find } = rules.jwks;
      return (await jwtVerify(token, find, { ...options, algorithms: BY_PUBLIC_KEY })).payload;
    }
    throw unauthenticated("its algorithm is not one of those that are taken here");
  } catch (error) {
    throw refusal(error);
  }
}

/**
 * RFC 7515 allows neither padding nor white space, which `jose` passes over, as it does bits behind
 * the last byte: one token would have many texts.
 */
function requireOneSpelling(token: string): void {
  for (const part of token.split(".")) {
    if (base64url.encode(base64url.decode(part)) !== part) throw unauthenticated(UNREADABLE);
  }
}

/** The error for a token that was refused. Its message never quotes the token. */
function refusal(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`claim ${error.claim} is missing or not as it must be`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthenticated("its signature is not right");
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return unauthenticated("the key that it names is not among those of the issuer");
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return unauthenticated("it names no key, and the issuer has several");
  }
  return unauthenticated(UNREADABLE);
}
