/**
 * The claims of a verified token: its subject, its expiry, and the claim `weir` with its grants. A
 * malformed claim makes the whole token invalid, since its author's intent is then unknown.
 */

import * as v from "valibot";
import { GatewayError } from "../errors.ts";
import { IDENTITY } from "../limits.ts";
import { check, integer, isObject, list, members } from "../protocol/fields.ts";
import type { Identity } from "./identity.ts";
import { readNamePattern, readTopicPattern } from "./pattern.ts";
import { Rights } from "./rights.ts";

const subject = v.custom<string>(
  (given) =>
    typeof given === "string" && given !== "" && given.isWellFormed() &&
    given.length <= IDENTITY.subjectLength,
  `must be a string of 1 to ${IDENTITY.subjectLength} characters`,
);

/** Seconds since 1970, maybe with a fraction. */
const time = v.custom<number>(
  (given) => typeof given === "number" && given >= 0 && given <= IDENTITY.latestExpiry,
  "must be a time in seconds since 1970",
);

const patterns = v.exactOptional(list(v.string("must be a string"), 0, Infinity));

const grants = v.pipe(
  v.custom<Record<string, unknown>>(isObject, "must be an object"),
  members({
    publish: patterns,
    subscribe: patterns,
    groups: patterns,
    admin: v.exactOptional(v.boolean("must be true or false")),
    rate: v.exactOptional(integer(1, IDENTITY.rate)),
    sockets: v.exactOptional(integer(1, IDENTITY.sockets)),
  }),
);

const claims = members({ sub: subject, exp: time, weir: v.exactOptional(grants) });

/**
 * The identity of a token with these claims. Throws `unauthenticated`, which names a wrong claim.
 */
export function identityOf(payload: unknown): Identity {
  const { sub, exp, weir = {} } = checked(payload);
  const { publish = [], subscribe = [], groups = [], admin = false, rate, sockets } = weir;
  const topics = (grant: string, given: readonly string[]) =>
    given.map((one) => readTopicPattern(one, sub) ?? refuse(`weir.${grant}`, one));
  return {
    subject: sub,
    rights: new Rights({
      publish: topics("publish", publish),
      subscribe: topics("subscribe", subscribe),
      groups: groups.map((one) => readNamePattern(one) ?? refuse("weir.groups", one)),
      admin,
    }),
    expiresAt: Math.floor(exp * 1_000),
    limits: {
      ...(rate === undefined ? {} : { rate }),
      ...(sockets === undefined ? {} : { sockets }),
    },
  };
}

function checked(payload: unknown): v.InferOutput<typeof claims> {
  try {
    return check(claims, payload);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw unauthenticated(`claim ${error.message}`);
  }
}

function refuse(claim: string, pattern: string): never {
  throw unauthenticated(`claim ${claim} has ${JSON.stringify(pattern)}, which is no pattern`);
}

export function unauthenticated(because: string): GatewayError {
  return new GatewayError("unauthenticated", `The token is not valid: ${because}`);
}
