import { assertEquals, assertRejects } from "@std/assert";
import { errors, exportJWK, generateKeyPair, type JWK } from "jose";
import { GatewayError } from "../../src/errors.ts";
import { Jwks } from "../../src/server/jwks.ts";
import { settled, testHost } from "../support/test_host.ts";

async function publicKey(kid: string): Promise<JWK> {
  const { publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...await exportJWK(publicKey), kid, alg: "ES256" };
}

const [first, second] = await Promise.all([publicKey("first"), publicKey("second")]);

/** An issuer with a response that a test sets; it counts its requests. */
function fixture(initial: (init?: RequestInit) => Response | Promise<Response>) {
  const host = testHost();
  const issuer = { answer: initial, asked: 0 };
  const jwks = new Jwks({
    url: "https://id.example/keys",
    host,
    fetch: (_, init) => {
      issuer.asked++;
      return Promise.resolve().then(() => issuer.answer(init));
    },
  });
  const find = (kid: string) => jwks.find({ alg: "ES256", kid }, { payload: "", signature: "" });
  return { host, jwks, issuer, find };
}

/** The `retryAfterMs` of a lookup that is refused. */
async function retryAfterMs(finding: unknown): Promise<number | undefined> {
  const { code, detail } = await assertRejects(() => Promise.resolve(finding), GatewayError);
  assertEquals(code, "unavailable");
  return detail.retryAfterMs;
}

const keysOf = (...keys: JWK[]) => () => Response.json({ keys });
const down = () => {
  throw new TypeError("connection refused");
};

Deno.test("while there are no keys it is unavailable, and asks every five seconds", async () => {
  const { host, jwks, issuer, find } = fixture(down);
  const started = jwks.start();
  await settled();
  assertEquals([await retryAfterMs(find("first")), jwks.ready], [5_000, false]);
  await host.clock.advance(20_000);
  assertEquals(issuer.asked, 5);
  issuer.answer = keysOf(first);
  await host.clock.advance(5_000);
  await started;
  assertEquals(jwks.ready, true);
  await find("first");
});

Deno.test("for an unknown key it asks again, at most every thirty seconds", async () => {
  const { host, jwks, issuer, find } = fixture(keysOf(first));
  await jwks.start();
  issuer.answer = keysOf(first, second);
  await host.clock.advance(10_000);
  assertEquals(await retryAfterMs(find("second")), 20_000);
  assertEquals(issuer.asked, 1);
  await host.clock.advance(20_000);
  await Promise.all([find("second"), find("second")]);
  for (let i = 0; i < 100; i++) await assertRejects(async () => await find(`none-${i}`));
  assertEquals(issuer.asked, 2);
});

Deno.test("a key is unknown for good only once the issuer has been asked for it, and has answered", async () => {
  const { host, jwks, issuer, find } = fixture(keysOf(first));
  await jwks.start();
  issuer.answer = down;
  await host.clock.advance(30_000);
  assertEquals(await retryAfterMs(find("second")), 30_000);
  issuer.answer = keysOf(first);
  await host.clock.advance(30_000);
  await assertRejects(async () => await find("second"), errors.JWKSNoMatchingKey);
});

Deno.test("known keys stay in use while the issuer is down", async () => {
  const { host, jwks, issuer, find } = fixture(keysOf(first));
  await jwks.start();
  issuer.answer = down;
  await host.clock.advance(3_600_000);
  await find("first");
  await assertRejects(async () => await find("second"));
  await find("first");
});

Deno.test("a withdrawn key is not accepted for ever", async () => {
  const { host, jwks, issuer, find } = fixture(keysOf(first, second));
  await jwks.start();
  issuer.answer = keysOf(second);
  await host.clock.advance(600_000);
  await find("first"); // asks, without waiting for the answer
  await settled();
  await assertRejects(async () => await find("first"));
  assertEquals(issuer.asked, 2);
});

const bad: Readonly<Record<string, () => Response>> = {
  "no JSON": () => new Response("<html>"),
  "no list of keys": () => Response.json({ keys: "x" }),
  "a list of no keys": keysOf(),
  "an error": () => new Response("no", { status: 500 }),
  "too much": () => Response.json({ keys: [first], padding: "x".repeat(300 * 1_024) }),
};

for (const [name, answer] of Object.entries(bad)) {
  Deno.test(`${name} for an answer leaves the keys as they were`, async () => {
    const { host, jwks, issuer, find } = fixture(keysOf(first));
    await jwks.start();
    issuer.answer = answer;
    await host.clock.advance(30_000);
    await assertRejects(async () => await find("second"));
    assertEquals([issuer.asked, host.counts.get("jwks_failures_total")], [2, 1]);
    await find("first");
  });
}

Deno.test("an issuer that does not answer is given up after five seconds, and asked again", async () => {
  const patience: AbortController[] = [];
  const given: number[] = [];
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => {
    given.push(ms);
    const controller = new AbortController();
    patience.push(controller);
    return controller.signal;
  };
  try {
    const { host, jwks } = fixture((init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      })
    );
    jwks.start();
    await settled();
    patience[0]?.abort();
    await settled();
    assertEquals(host.counts.get("jwks_failures_total"), 1);
    await host.clock.advance(5_000);
    assertEquals(given, [5_000, 5_000]);
  } finally {
    AbortSignal.timeout = timeout;
  }
});
