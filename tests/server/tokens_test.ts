import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  base64url,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { GatewayError } from "../../src/errors.ts";
import { JWKS } from "../../src/limits.ts";
import { Jwks } from "../../src/server/jwks.ts";
import { tokenCheck, type TokenRules } from "../../src/server/tokens.ts";
import { testHost } from "../support/test_host.ts";

const utf8 = new TextEncoder();
const SECRET = utf8.encode("0123456789 0123456789 0123456789");
const pairs = {
  ES256: await generateKeyPair("ES256", { extractable: true }),
  EdDSA: await generateKeyPair("EdDSA", { extractable: true }),
  RS256: await generateKeyPair("RS256", { extractable: true }),
};
const keys = await Promise.all(
  Object.entries(pairs).map(async ([alg, { publicKey }]) => ({
    ...await exportJWK(publicKey),
    alg,
    kid: alg,
  })),
);
const publicPem = utf8.encode(await exportSPKI(pairs.RS256.publicKey));
const host = testHost();
const now = Math.floor(host.clock.now() / 1_000);
const CLAIMS = { sub: "me", exp: now + 600 };

async function rules(more: Partial<TokenRules> = {}): Promise<TokenRules> {
  const issuing = testHost();
  const fetch = () => answer({ keys });
  const jwks = new Jwks({ url: "https://id.example/keys", host: issuing, fetch });
  await jwks.start();
  // So that it may fetch again for an unknown key.
  await issuing.clock.advance(JWKS.againMs);
  return { secret: SECRET, jwks, issuer: undefined, audience: undefined, ...more };
}

function answer(body: unknown): Promise<Response> {
  return Promise.resolve(Response.json(body));
}

function sign(
  payload: JWTPayload,
  header: JWTHeaderParameters = { alg: "HS256" },
  key: CryptoKey | Uint8Array = SECRET,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

function unsigned(header: unknown, payload: unknown, signature = ""): string {
  const part = (value: unknown) => base64url.encode(JSON.stringify(value));
  return `${part(header)}.${part(payload)}.${signature}`;
}

async function refusalOf(token: string | undefined, more: Partial<TokenRules> = {}) {
  const check = tokenCheck(await rules(more), host.clock);
  const error = await assertRejects(async () => await check(token), GatewayError);
  assertEquals(error.code, "unauthenticated", error.message);
  if (token) assert(!error.message.includes(token.slice(-16)), "a token is shown to nobody");
  return error.message;
}

async function taken(token: string, more: Partial<TokenRules> = {}) {
  return await tokenCheck(await rules(more), host.clock)(token);
}

for (const [alg, { privateKey }] of Object.entries(pairs)) {
  Deno.test(`${alg} is taken by the issuer's key`, async () => {
    const { subject, expiresAt } = await taken(await sign(CLAIMS, { alg, kid: alg }, privateKey));
    assertEquals([subject, expiresAt], ["me", (now + 600) * 1_000]);
  });

  Deno.test(`${alg} is refused where there is only a secret`, async () => {
    await refusalOf(await sign(CLAIMS, { alg, kid: alg }, privateKey), { jwks: undefined });
  });
}

Deno.test("HS256 is taken by the secret, and refused where there are only public keys", async () => {
  const token = await sign(CLAIMS);
  assertEquals((await taken(token)).subject, "me");
  await refusalOf(token, { secret: undefined });
});

const stranger = await generateKeyPair("ES256");
const header = { alg: "ES256", kid: "ES256" };
const key = pairs.ES256.privateKey;

const refused: Readonly<Record<string, string | undefined | Promise<string>>> = {
  "no token": undefined,
  "an empty token": "",
  "what is no token": "a.b.c",
  "an algorithm of none": unsigned({ alg: "none" }, CLAIMS),
  "an algorithm of None": unsigned({ alg: "None" }, CLAIMS),
  "an algorithm of nOnE with a signature": unsigned({ alg: "nOnE" }, CLAIMS, "AAAA"),
  "no algorithm": unsigned({}, CLAIMS, "AAAA"),
  "an empty signature": unsigned({ alg: "HS256" }, CLAIMS),
  "HS256 by the issuer's public key": sign(CLAIMS, { alg: "HS256", kid: "RS256" }, publicPem),
  "HS512 by the secret": sign(CLAIMS, { alg: "HS512" }),
  "another secret": sign(CLAIMS, { alg: "HS256" }, utf8.encode("another secret".repeat(4))),
  "a key that is not the issuer's": sign(CLAIMS, header, stranger.privateKey),
  "an unknown key": sign(CLAIMS, { alg: "ES256", kid: "other" }, key),
  "a key by a path": sign(CLAIMS, { alg: "ES256", kid: "../../etc/passwd" }, key),
  "a key of another algorithm": sign(CLAIMS, { alg: "ES256", kid: "EdDSA" }, key),
  "a key that the token brings": sign(
    CLAIMS,
    { alg: "ES256", jwk: await exportJWK(stranger.publicKey) },
    stranger.privateKey,
  ),
  "an address where the key is": sign(
    CLAIMS,
    { alg: "ES256", jku: "https://evil.example/keys" },
    stranger.privateKey,
  ),
  "what must be understood and is not": new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: "HS256", crit: ["x"], x: 1 })
    .sign(SECRET, { crit: { x: true } }),
  "no end": sign({ sub: "me" }),
  "an end that has passed": sign({ sub: "me", exp: now - 61 }),
  "an end in words": sign({ sub: "me", exp: String(now + 600) as unknown as number }),
  "an end behind all time": sign({ sub: "me", exp: 1e15 }),
  "no subject": sign({ exp: now + 600 }),
  "a beginning in the future": sign({ ...CLAIMS, nbf: now + 61 }),
  "a token of 100 kB": sign({ ...CLAIMS, padding: "x".repeat(100_000) }),
  "grants of another shape": sign({ ...CLAIMS, weir: { publish: "t" } }),
  "a signature that is cut": (async () => (await sign(CLAIMS)).slice(0, -2))(),
};

for (const [name, token] of Object.entries(refused)) {
  Deno.test(`${name} is refused`, async () => {
    await refusalOf(await token);
  });
}

Deno.test("clocks may differ by a minute", async () => {
  await taken(await sign({ sub: "me", exp: now - 59 }));
  await taken(await sign({ ...CLAIMS, nbf: now + 59, iat: now + 300 }));
});

Deno.test("an issuer and an audience must be those that are set", async () => {
  const set = { issuer: "https://id.example", audience: "weir" };
  await taken(await sign({ ...CLAIMS, iss: set.issuer, aud: ["other", "weir"] }), set);
  await refusalOf(await sign({ ...CLAIMS, aud: "weir" }), set);
  await refusalOf(await sign({ ...CLAIMS, iss: set.issuer }), set);
  await refusalOf(await sign({ ...CLAIMS, iss: "https://evil.example", aud: "weir" }), set);
  await refusalOf(await sign({ ...CLAIMS, iss: set.issuer, aud: "weir2" }), set);
  await refusalOf(await sign({ ...CLAIMS, iss: `${set.issuer}/`, aud: "weir" }), set);
});
