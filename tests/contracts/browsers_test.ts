/**
 * Security of browsers: origins by exact match, CORS by the same list, no cookies, and headers
 * against framing, content sniffing and foreign scripts.
 */

import { assert, assertEquals } from "@std/assert";
import { Gateway } from "../support/gateway.ts";
import { type Answer, call } from "../support/http.ts";
import { SECRET, tokenFor } from "../support/token.ts";

const listed = "https://app.example";
const shared = Gateway.shared({ WEIR_ORIGINS: listed, WEIR_JWT_SECRET: SECRET });
const authorization = `Bearer ${await tokenFor("ada", { publish: ["*"], admin: true })}`;

/** The responses to a call of each kind of route, and of each way to fail. */
async function everyKind(headers: Record<string, string> = {}): Promise<Record<string, Answer>> {
  const { gateway } = shared;
  const body = { records: [{ value: 1 }] };
  const calls: readonly [string, string, unknown?, Record<string, string>?][] = [
    ["GET", "/"],
    ["GET", "/v1/status.js"],
    ["GET", "/v1/status.css"],
    ["GET", "/v1/client.js"],
    ["GET", "/healthz"],
    ["GET", "/readyz"],
    ["GET", "/metrics", undefined, { authorization }],
    ["GET", "/v1/topics", undefined, { authorization }],
    ["GET", "/v1/topics"],
    ["POST", "/v1/topics/browsers/records", body, { authorization }],
    ["GET", "/v1/connect"],
    ["GET", "/nowhere"],
    ["POST", "/healthz", ""],
  ];
  const answers: Record<string, Answer> = {};
  for (const [method, path, body, more = {}] of calls) {
    const answer = await call(gateway, method, path, body, { ...headers, ...more });
    answers[`${method} ${path} ${answer.status}`] = answer;
  }
  return answers;
}

const evil = [
  "null",
  "https://evil.example",
  "https://app.example.evil.example",
  "https://evil.example/https://app.example",
  "http://app.example",
  "https://app.example:8443",
  "https://xapp.example",
  "https://app.example, https://evil.example",
  "*",
  "",
];

for (const origin of evil) {
  Deno.test(`the origin ${JSON.stringify(origin)} is refused on every path, and gets no CORS headers`, async () => {
    for (const [what, answer] of Object.entries(await everyKind({ origin }))) {
      assertEquals(answer.status, 403, what);
      assertEquals(answer.headers.get("access-control-allow-origin"), null, what);
    }
    const preflight = await call(shared.gateway, "OPTIONS", "/v1/topics", undefined, {
      origin,
      "access-control-request-method": "GET",
    });
    assertEquals(preflight.status, 403);
  });
}

Deno.test("a listed origin may call the API with a token, and sees its answers, refusals and how long to wait", async () => {
  const preflight = await call(shared.gateway, "OPTIONS", "/v1/topics/gps/records", undefined, {
    origin: listed,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
  });
  assertEquals([preflight.status, preflight.text], [204, ""]);
  assertEquals(preflight.headers.get("access-control-allow-origin"), listed);
  const allowed = preflight.headers.get("access-control-allow-headers")?.split(", ") ?? [];
  for (const name of ["authorization", "content-type", "last-event-id"]) {
    assert(allowed.includes(name), name);
  }
  for (const [what, { headers }] of Object.entries(await everyKind({ origin: listed }))) {
    const isClient = what.includes("client.js");
    assertEquals(headers.get("access-control-allow-origin"), isClient ? "*" : listed, what);
    assertEquals(headers.get("access-control-allow-credentials"), null, "no cookies are taken");
    if (!isClient) assertEquals(headers.get("access-control-expose-headers"), "retry-after", what);
  }
});

Deno.test("no answer sets a cookie, and one that is sent changes nothing", async () => {
  const cookie = "session=ada; token=x";
  const [without, with_] = [await everyKind(), await everyKind({ cookie })];
  assertEquals(Object.keys(with_), Object.keys(without), "the same calls have the same outcome");
  for (const [what, { headers }] of Object.entries(with_)) {
    assertEquals(headers.getSetCookie(), [], what);
  }
});

Deno.test("no source of the gateway or of its pages has to do with cookies", async () => {
  const found: string[] = [];
  const visit = async (folder: URL): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await visit(new URL(`${name}/`, folder));
      else if (/\.(ts|js|html)$/.test(name)) {
        const text = await Deno.readTextFile(new URL(name, folder));
        const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
        if (/cookie|credentials: *"include"/i.test(code)) found.push(name);
      }
    }
  };
  await visit(new URL("../../src/", import.meta.url));
  assertEquals(found, []);
});

Deno.test("every answer says what it is, sends no referrer, and is no page to frame or to load things", async () => {
  for (const [what, { headers }] of Object.entries(await everyKind())) {
    assertEquals(headers.get("x-content-type-options"), "nosniff", what);
    assertEquals(headers.get("referrer-policy"), "no-referrer", what);
    const policy = headers.get("content-security-policy") ?? "";
    assert(policy.startsWith("default-src 'none'"), what);
    assert(policy.includes("frame-ancestors 'none'"), what);
    const reach = what.includes("client.js") ? "cross-origin" : "same-origin";
    assertEquals(headers.get("cross-origin-resource-policy"), reach, what);
  }
});

Deno.test("the page lets in only its own script and style, none of them inline", async () => {
  const { headers, text } = await call(shared.gateway, "GET", "/");
  assertEquals(
    headers.get("content-security-policy"),
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
      "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assertEquals(headers.get("x-frame-options"), "DENY");
  assertEquals(headers.get("cross-origin-opener-policy"), "same-origin");
  assertEquals(
    text.match(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:/gi),
    null,
  );
});

Deno.test("a token is taken from the header, and of event streams from the query, and nowhere else", async () => {
  const { gateway } = shared;
  const path = "/v1/topics/seen";
  const made = await call(gateway, "PUT", path, { partitions: 1 }, { authorization });
  assertEquals(made.status, 201);
  const token = authorization.slice("Bearer ".length);
  for (const headers of [{ cookie: `token=${token}` }, { "x-token": token }]) {
    assertEquals((await call(gateway, "GET", path, undefined, headers)).status, 401);
  }
  const shown = `access_token=${token}`;
  const elsewhere: [string, string, unknown?][] = [
    ["GET", path],
    ["GET", "/v1/topics/events"],
    ["PUT", "/v1/topics/events", { partitions: 1 }],
    ["DELETE", "/v1/topics/events"],
    ["GET", "/v1/groups/events"],
    ["POST", `${path}/events`],
  ];
  for (const [method, path, body] of elsewhere) {
    const { status } = await call(gateway, method, `${path}?${shown}`, body);
    assert(status === 401 || status === 405, `${method} ${path}: ${status}`);
  }
});
