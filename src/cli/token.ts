/**
 * `deno task token`: makes a token for development, with the secret that the gateway checks tokens
 * with. In production, the application that knows its users makes them. It makes no token that the
 * gateway would refuse: it checks the claims with the gateway's own code (`identity/claims.ts`).
 */

import { SignJWT } from "jose";
import { parseArgs } from "node:util";
import { readSettings, StartRefused } from "../config.ts";
import { GatewayError } from "../errors.ts";
import { identityOf } from "../identity/claims.ts";
import { IDENTITY } from "../limits.ts";
import { runCommand } from "./program.ts";

export const USAGE = `Usage: WEIR_JWT_SECRET=… deno task token --sub NAME [options]
  --sub NAME           whose token it is
  --publish PATTERN    may publish to these topics; each of these options may be there several times
  --subscribe PATTERN  may read these topics
  --group PATTERN      may join these groups, for topics that it may read
  --admin              may make, list and delete topics and groups, and see the metrics
  --ttl TIME           how long it is valid: 90s, 15m, 1h (unless given), 30d
  --rate N             records a second that NAME may publish at one gateway
  --sockets N          sockets that NAME may have open at one gateway
A pattern is a name, or a beginning and *; of topics also topic/key, in which {sub} is NAME.
WEIR_JWT_ISSUER and WEIR_JWT_AUDIENCE are put in where they are set, as for the gateway.`;

const OPTIONS = {
  sub: { type: "string" },
  publish: { type: "string", multiple: true },
  subscribe: { type: "string", multiple: true },
  group: { type: "string", multiple: true },
  admin: { type: "boolean", default: false },
  ttl: { type: "string", default: "1h" },
  rate: { type: "string" },
  sockets: { type: "string" },
} as const;

const VARIABLES = ["WEIR_JWT_SECRET", "WEIR_JWT_ISSUER", "WEIR_JWT_AUDIENCE"] as const;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

type Environment = Readonly<Record<string, string | undefined>>;

/** The token for these options. Throws `StartRefused` with one line on what is wrong. */
export async function mint(
  args: readonly string[],
  environment: Environment,
  nowMs: number,
): Promise<string> {
  const { secret, issuer, audience } = keysIn(environment);
  const claims = claimsOf(args, Math.floor(nowMs / 1_000));
  requireTaken(claims);
  const token = await new SignJWT({
    ...claims,
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
  }).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(new TextEncoder().encode(secret));
  if (token.length <= IDENTITY.tokenBytes) return token;
  throw new StartRefused(
    `The token would have ${token.length} bytes, and may have ${IDENTITY.tokenBytes}: ` +
      "give it fewer or shorter patterns",
  );
}

function keysIn(environment: Environment) {
  const given = VARIABLES.flatMap((name) => {
    const text = environment[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  const { tokens } = readSettings(Object.fromEntries(given));
  if (tokens.secret !== undefined) return tokens;
  throw new StartRefused("Set WEIR_JWT_SECRET to the gateway's: the token is signed with it");
}

function claimsOf(args: readonly string[], now: number) {
  const { sub, publish, subscribe, group, admin, ttl, rate, sockets } = parse(args);
  if (sub === undefined) throw new StartRefused("--sub must say whose token it is");
  return {
    sub,
    iat: now,
    exp: now + seconds(ttl),
    weir: {
      publish: publish ?? [],
      subscribe: subscribe ?? [],
      groups: group ?? [],
      admin,
      ...(rate === undefined ? {} : { rate: Number(rate) }),
      ...(sockets === undefined ? {} : { sockets: Number(sockets) }),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    const [line] = error instanceof Error ? error.message.split("\n") : [String(error)];
    throw new StartRefused(`${line}; --help names the options`);
  }
}

function seconds(ttl: string): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(ttl) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? NaN);
  if (seconds > 0) return seconds;
  throw new StartRefused(
    `--ttl must be a time such as 90s, 15m, 1h or 30d, not ${JSON.stringify(ttl)}`,
  );
}

/** Throws if the gateway would refuse these claims. */
function requireTaken(claims: object): void {
  try {
    identityOf(claims);
  } catch (error) {
    throw error instanceof GatewayError ? new StartRefused(error.message) : error;
  }
}

if (import.meta.main) {
  await runCommand(() => {
    if (Deno.args.includes("--help")) return USAGE;
    const environment = Object.fromEntries(VARIABLES.map((name) => [name, Deno.env.get(name)]));
    return mint(Deno.args, environment, Date.now());
  });
}
