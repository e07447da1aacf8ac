/** `deno task token`: what it makes is what the gateway takes, and what that would not take is not made. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { decodeJwt, decodeProtectedHeader } from "jose";
import config from "../../deno.json" with { type: "json" };
import { mint, USAGE } from "../../src/cli/token.ts";
import { StartRefused } from "../../src/config.ts";
import type { Identity } from "../../src/identity/identity.ts";
import type { Action } from "../../src/identity/rights.ts";
import { tokenCheck } from "../../src/server/tokens.ts";

const root = new URL("../../", import.meta.url);
const WEIR_JWT_SECRET = "a secret that has 32 bytes or more";
const nowMs = 1_700_000_000_250;

type Environment = Readonly<Record<string, string | undefined>>;

function make(line: string, environment: Environment = {}): Promise<string> {
  return mint(line.split(" ").filter(Boolean), { WEIR_JWT_SECRET, ...environment }, nowMs);
}

/** As a gateway with the same settings sees it. */
async function seen(token: string, issuer?: string, audience?: string): Promise<Identity> {
  const secret = new TextEncoder().encode(WEIR_JWT_SECRET);
  const check = tokenCheck({ secret, jwks: undefined, issuer, audience }, {
    now: () => nowMs,
    monotonic: () => 0,
    after: () => () => {},
  });
  return await check(token);
}

Deno.test("a gateway with the same secret takes it, for what the options say", async () => {
  const { subject, expiresAt, rights, limits } = await seen(
    await make(
      "--sub ada --publish gps/{sub} --publish log* --subscribe rides --group fares " +
        "--ttl 15m --rate 50 --sockets 2",
    ),
  );
  assertEquals([subject, expiresAt], ["ada", 1_700_000_900_000]);
  assertEquals(limits, { rate: 50, sockets: 2 });
  const actions: readonly (readonly [Action, boolean])[] = [
    [{ verb: "publish", topic: "gps", records: [{ key: "ada" }] }, true],
    [{ verb: "publish", topic: "gps", records: [{ key: "eve" }] }, false],
    [{ verb: "publish", topic: "logs", records: [{}] }, true],
    [{ verb: "publish", topic: "rides", records: [{ key: "ada" }] }, false],
    [{ verb: "read", topic: "rides" }, true],
    [{ verb: "join", group: "fares", topics: ["rides"] }, true],
    [{ verb: "join", group: "prices", topics: ["rides"] }, false],
    [{ verb: "administer" }, false],
  ];
  for (const [action, allowed] of actions) {
    assertEquals(rights.allows(action), allowed, JSON.stringify(action));
  }
});

Deno.test("the claims are those of the protocol, with {sub} as it was written", async () => {
  const token = await make("--sub ada --subscribe notifications/{sub} --admin");
  assertEquals(decodeProtectedHeader(token), { alg: "HS256", typ: "JWT" });
  assertEquals<unknown>(decodeJwt(token), {
    sub: "ada",
    iat: 1_700_000_000,
    exp: 1_700_003_600,
    weir: { publish: [], subscribe: ["notifications/{sub}"], groups: [], admin: true },
  });
});

Deno.test("issuer and audience are in it where the gateway asks for them", async () => {
  const both = { WEIR_JWT_ISSUER: "https://id.example", WEIR_JWT_AUDIENCE: "weir" };
  const { subject } = await seen(await make("--sub ada", both), "https://id.example", "weir");
  assertEquals(subject, "ada");
  const { iss, aud } = decodeJwt(await make("--sub ada", { WEIR_JWT_AUDIENCE: "weir" }));
  assertEquals([iss, aud], [undefined, "weir"]);
});

Deno.test("a time to live has a unit", async () => {
  const exp = async (ttl: string) => decodeJwt(await make(`--sub ada --ttl ${ttl}`)).exp;
  const seconds = [["90s", 90], ["15m", 900], ["2h", 7_200], ["30d", 2_592_000]] as const;
  for (const [ttl, lasts] of seconds) assertEquals(await exp(ttl), 1_700_000_000 + lasts);
});

Deno.test("what makes no sense gets one line that says what would be right", async () => {
  const wrong: readonly (readonly [string, Environment, string])[] = [
    ["", {}, "--sub must say whose token it is"],
    [`--sub ${"x".repeat(256)}`, {}, "claim sub must be a string of 1 to 255 characters"],
    ["--sub ada --publish g*s", {}, `weir.publish has "g*s", which is no pattern`],
    ["--sub ada --publish gps/", {}, `weir.publish has "gps/", which is no pattern`],
    ["--sub ada --subscribe a,b", {}, `weir.subscribe has "a,b", which is no pattern`],
    ["--sub ada --group fares/ada", {}, `weir.groups has "fares/ada", which is no pattern`],
    ["--sub ada --ttl 1w", {}, `--ttl must be a time such as 90s, 15m, 1h or 30d, not "1w"`],
    ["--sub ada --ttl 0s", {}, `not "0s"`],
    ["--sub ada --rate many", {}, "claim weir.rate must be an integer from 1 to 1000000"],
    ["--sub ada --sockets 0", {}, "claim weir.sockets must be an integer from 1 to 100000"],
    ["--sub ada --grant all", {}, "Unknown option '--grant'"],
    ["ada", {}, "Unexpected argument 'ada'"],
    ["--sub ada", { WEIR_JWT_SECRET: undefined }, "Set WEIR_JWT_SECRET"],
    ["--sub ada", { WEIR_JWT_SECRET: "" }, "a secret of at least 32 bytes"],
    ["--sub ada", { WEIR_JWT_SECRET: "x".repeat(31) }, "a secret of at least 32 bytes"],
    [`--sub ada ${`--publish ${"x".repeat(190)} `.repeat(20)}`, {}, "may have 4096"],
  ];
  for (const [line, environment, expected] of wrong) {
    const { message } = await assertRejects(() => make(line, environment), StartRefused);
    assert(message.includes(expected), `${message}\n${expected}`);
    assert(!message.includes("\n") && !message.includes("x".repeat(31)), message);
  }
});

Deno.test("the task prints the token alone, or one line on what is wrong, and ends with 1", async () => {
  const [program, ...args] = config.tasks.token.command.split(" ");
  assertEquals(program, "deno");
  const run = async (...options: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, ...options],
      cwd: root,
      env: { WEIR_JWT_SECRET, NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return [code, text(stdout), text(stderr)] as const;
  };
  const [code, token] = await run("--sub", "ada", "--ttl", "1h");
  assertEquals([code, decodeJwt(token.trim()).sub], [0, "ada"]);
  assertMatch(token, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assertEquals(await run(), [1, "", "--sub must say whose token it is\n"]);
  assertEquals(await run("--help"), [0, `${USAGE}\n`, ""]);
});
