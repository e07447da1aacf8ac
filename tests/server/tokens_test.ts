import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  base64url,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { GatewayError } from "../../src/errors.ts";
import { JWKS } from "../../src/limits.ts";
import { Jwks } from "../../src/server/jwks.ts";
import { tokenCheck, type TokenRules } from "../../src/server/tokens.ts";
import { settled, testHost } from "../support/test_host.ts";

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

const URL_OF_KEYS = "https://id.example/keys";

async function rules(more: Partial<TokenRules> = {}): Promise<TokenRules> {
  const issuing = testHost();
  const jwks = await fetched(() => keys, issuing);
  // So that it may fetch again for an unknown key.
  await issuing.clock.advance(JWKS.againMs);
  return { secret: SECRET, jwks, issuer: undefined, audience: undefined, ...more };
}

/** The keys of an issuer, which are asked for at one address only, whatever a token says. */
async function fetched(given: () => readonly JWK[], host = testHost()): Promise<Jwks> {
  const fetch = (url: string | URL | Request) => {
    assertEquals(url, URL_OF_KEYS);
    return Promise.resolve(Response.json({ keys: given() }));
  };
  const jwks = new Jwks({ url: URL_OF_KEYS, host, fetch });
  await jwks.start();
  return jwks;
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

/** A token with these texts as its header and its claims, and a signature that is right. */
async function signedAsWritten(header: string, claims: string, padding = ""): Promise<string> {
  const signed = `${base64url.encode(header)}.${base64url.encode(claims)}${padding}`;
  const use = { name: "HMAC", hash: "SHA-256" };
  const hmac = await crypto.subtle.importKey("raw", SECRET, use, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", hmac, utf8.encode(signed));
  return `${signed}.${base64url.encode(new Uint8Array(signature))}`;
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

const HS256 = '{"alg":"HS256"}';

/** The last character of 43 has four bits of the 256, and two that every reader drops. */
function otherLastBits(token: string): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = digits[digits.indexOf(token.slice(-1)) ^ 1];
  return `${token.slice(0, -1)}${last}`;
}

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
  "a key by a query": sign(CLAIMS, { alg: "ES256", kid: "' OR '1'='1'; --" }, key),
  "a key of the same name of another issuer": sign(
    { ...CLAIMS, iss: "https://other.example" },
    header,
    stranger.privateKey,
  ),
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
  "an address where its certificate is": sign(
    CLAIMS,
    { alg: "ES256", x5u: "https://evil.example/certificate" },
    stranger.privateKey,
  ),
  "what must be understood and is not": new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: "HS256", crit: ["x"], x: 1 })
    .sign(SECRET, { crit: { x: true } }),
  "no end": sign({ sub: "me" }),
  "an end that has passed": sign({ sub: "me", exp: now - 61 }),
  "an end in words": sign({ sub: "me", exp: String(now + 600) as unknown as number }),
  "an end behind all time": sign({ sub: "me", exp: 1e15 }),
  "an end that is named twice, and has passed the last time": signedAsWritten(
    HS256,
    `{"sub":"me","exp":${now + 600},"exp":${now - 600}}`,
  ),
  "an algorithm that is named twice, and is none the last time": signedAsWritten(
    '{"alg":"HS256","alg":"none"}',
    JSON.stringify(CLAIMS),
  ),
  "no subject": sign({ exp: now + 600 }),
  "a beginning in the future": sign({ ...CLAIMS, nbf: now + 61 }),
  "a token of 100 kB": sign({ ...CLAIMS, padding: "x".repeat(100_000) }),
  "grants of another shape": sign({ ...CLAIMS, weir: { publish: "t" } }),
  "claims with padding, which is signed": signedAsWritten(HS256, JSON.stringify(CLAIMS), "="),
  "a signature with padding": sign(CLAIMS).then((token) => `${token}=`),
  "a signature with a blank": sign(CLAIMS).then((token) =>
    `${token.slice(0, -9)} ${token.slice(-9)}`
  ),
  "a signature and a line's end": sign(CLAIMS).then((token) => `${token}\n`),
  "a signature with bits that mean nothing": sign(CLAIMS).then(otherLastBits),
  "a signature that is cut": (async () => (await sign(CLAIMS)).slice(0, -2))(),
};

for (const [name, token] of Object.entries(refused)) {
  Deno.test(`${name} is refused`, async () => {
    await refusalOf(await token);
  });
}

/** What may look odd, and is taken: the subject and the end that it gives. */
const taking: readonly [name: string, header: string, claims: string, expiresAt: number][] = [
  ["an end with a fraction", HS256, `{"sub":"me","exp":2000000000.75}`, 2_000_000_000_750],
  ["an end with an exponent", HS256, `{"sub":"me","exp":2e9}`, 2_000_000_000_000],
  [
    "of claims that are named twice the last",
    HS256,
    `{"sub":"you","exp":1,"sub":"me","exp":2000000000}`,
    2_000_000_000_000,
  ],
  [
    "of algorithms that are named twice the last",
    '{"alg":"none","alg":"HS256"}',
    `{"sub":"me","exp":2000000000}`,
    2_000_000_000_000,
  ],
];

for (const [name, header, claims, wanted] of taking) {
  Deno.test(`${name} is taken`, async () => {
    const { subject, expiresAt } = await taken(await signedAsWritten(header, claims));
    assertEquals([subject, expiresAt], ["me", wanted]);
  });
}

Deno.test("keys of one name are each taken only for the issuer that they are of", async () => {
  const strangers = [{ ...await exportJWK(stranger.publicKey), alg: "ES256", kid: "ES256" }];
  const [mine, theirs] = [
    { jwks: await fetched(() => keys), issuer: "https://id.example" },
    { jwks: await fetched(() => strangers), issuer: "https://other.example" },
  ];
  const ofMine = await sign({ ...CLAIMS, iss: mine.issuer }, header, key);
  const ofTheirs = await sign({ ...CLAIMS, iss: theirs.issuer }, header, stranger.privateKey);
  // The second time both keys are known.
  for (let i = 0; i < 2; i++) {
    await taken(ofMine, mine);
    await taken(ofTheirs, theirs);
    await refusalOf(ofMine, theirs);
    await refusalOf(ofTheirs, mine);
  }
  const inTheirName = await sign({ ...CLAIMS, iss: theirs.issuer }, header, key);
  for (const rules of [mine, theirs]) await refusalOf(inTheirName, rules);
});

Deno.test("a token by a key that the issuer has withdrawn is refused once keys are fetched again", async () => {
  let given = keys;
  const issuing = testHost();
  const jwks = await fetched(() => given, issuing);
  const token = await sign(CLAIMS, header, key);
  given = keys.filter(({ kid }) => kid !== "ES256");
  await issuing.clock.advance(JWKS.freshMs - 1);
  await taken(token, { jwks });
  await issuing.clock.advance(1);
  await taken(token, { jwks }); // and asks for the keys of now
  await settled();
  await issuing.clock.advance(JWKS.againMs);
  await refusalOf(token, { jwks });
});

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
