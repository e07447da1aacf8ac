/** Section 7 of the page over HTTP: every route requires a token, and allows what it grants. */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call } from "../support/http.ts";
import { type Grants, SECRET, tokenFor } from "../support/token.ts";

const shared = Gateway.shared({ WEIR_JWT_SECRET: SECRET });
const graceSeconds = 25;

async function bearer(sub: string, grants: Grants, endsIn?: number) {
  return { authorization: `Bearer ${await tokenFor(sub, grants, endsIn)}` };
}

/** Every route that needs a token: method, path, body and the needed grant. */
const doors: readonly [method: string, path: string, needs: Grants, body?: unknown][] = [
  ["GET", "/v1/topics", { admin: true }],
  ["PUT", "/v1/topics/made", { admin: true }, { partitions: 1 }],
  ["GET", "/v1/topics/made", { publish: ["made/x"] }],
  ["GET", "/v1/topics/made", { subscribe: ["ma*"] }],
  ["GET", "/v1/topics/made", { admin: true }],
  ["POST", "/v1/topics/made/records", { publish: ["made"] }, { records: [{ value: 1 }] }],
  ["POST", "/v1/topics/made/records", { publish: ["made/{sub}"] }, {
    records: [{ key: "me", value: 1 }],
  }],
  ["GET", "/v1/topics/made/partitions/0/records", { subscribe: ["made"] }],
  ["POST", "/v1/producers", { publish: ["anything"] }, {}],
  ["GET", "/v1/groups", { admin: true }],
  ["PUT", "/v1/groups/g/offsets", { admin: true }, { topics: ["made"], to: "earliest" }],
  ["GET", "/v1/groups/g", { admin: true }],
  ["DELETE", "/v1/groups/g", { admin: true }],
  ["GET", "/metrics", { admin: true }],
  ["DELETE", "/v1/topics/made", { admin: true }],
];

/** All grants except the needed one. */
const others: Grants = {
  publish: ["other", "made/other"],
  subscribe: ["other", "made/other"],
  groups: ["*"],
};

const ELSEWHERE: Grants = { subscribe: ["other"], groups: ["*"] };

for (const [method, path, needs, body] of doors) {
  Deno.test(`${method} ${path} needs ${JSON.stringify(needs)}`, async () => {
    const bare = await call(shared.gateway, method, path, body);
    assertEquals([bare.status, bare.headers.get("www-authenticate")], [401, "Bearer"]);
    const wrong = await call(shared.gateway, method, path, body, { authorization: "Bearer x.y.z" });
    assertEquals([wrong.status, JSON.parse(wrong.text).code], [401, "unauthenticated"]);
    const poor = path === "/v1/producers" || path === "/v1/topics/made" ? ELSEWHERE : others;
    const less = await call(shared.gateway, method, path, body, await bearer("me", poor));
    assertEquals([less.status, JSON.parse(less.text).code], [403, "forbidden"], less.text);
    const enough = await call(shared.gateway, method, path, body, await bearer("me", needs));
    assert(enough.status < 300, `${enough.status} ${enough.text}`);
  });
}

Deno.test("health, the page, its files and the client are open to all", async () => {
  const open = ["/healthz", "/readyz", "/", "/v1/status.js", "/v1/status.css", "/v1/client.js"];
  for (const path of open) {
    assertEquals((await call(shared.gateway, "GET", path)).status, 200, path);
  }
});

Deno.test("the scheme is read in any letter case, and only Bearer has a token", async () => {
  const token = await tokenFor("me", { admin: true });
  const statusOf = async (authorization: string) =>
    (await call(shared.gateway, "GET", "/v1/topics", undefined, { authorization })).status;
  assertEquals(await statusOf(`bearer  ${token}`), 200);
  for (const other of [token, `Basic ${token}`, `Bearer ${token} x`, "Bearer", `Bearer${token}`]) {
    assertEquals(await statusOf(other), 401, other.slice(0, 12));
  }
});

async function firstEvents(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(shared.gateway.origin + path);
  if (!response.ok) return { status: response.status, text: await response.text() };
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: record")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return { status: response.status, text };
}

Deno.test("the sizes of records are shown only to those who may read all of them, and to an admin", async () => {
  const topic = `t-${crypto.randomUUID()}`;
  const records = [{ key: "you", value: "theirs" }];
  const writer = await bearer("w", { publish: [topic] });
  await call(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records }, writer);
  const partitionsFor = async (grants: Grants) => {
    const path = `/v1/topics/${topic}`;
    const { text } = await call(shared.gateway, "GET", path, undefined, await bearer("me", grants));
    return JSON.parse(text).partitions as Record<string, number>[];
  };
  for (const grants of [{ admin: true }, { subscribe: ["*"] }]) {
    assert((await partitionsFor(grants)).some(({ bytes = 0 }) => bytes > 0));
  }
  for (const grants of [{ publish: ["*"] }, { subscribe: ["*/{sub}"] }]) {
    const partitions = await partitionsFor(grants);
    assertEquals(Object.keys(partitions[0] ?? {}), ["partition", "start", "next"]);
  }
});

Deno.test("an event stream takes its token from the query, and reads what that allows", async () => {
  const topic = `t-${crypto.randomUUID()}`;
  const writer = await bearer("w", { publish: ["*"] });
  const records = [{ key: "you", value: "theirs" }, { key: "me", value: "mine" }];
  await call(shared.gateway, "POST", `/v1/topics/${topic}/records`, { records }, writer);
  const path = `/v1/topics/${topic}/events?from=earliest`;
  const mine = await tokenFor("me", { subscribe: ["*/{sub}"] });
  assertEquals((await firstEvents(path)).status, 401);
  assertEquals((await firstEvents(`${path}&access_token=${mine}`)).status, 403);
  assertEquals((await firstEvents(`${path}&key=you&access_token=${mine}`)).status, 403);
  assertEquals((await firstEvents(`${path}&key=me&key=you&access_token=${mine}`)).status, 403);
  const { status, text } = await firstEvents(`${path}&key=me&access_token=${mine}`);
  assertEquals(status, 200);
  assert(text.includes("mine") && !text.includes("theirs"), text);
  // Nowhere else, since URLs are logged.
  const listed = await call(shared.gateway, "GET", `/v1/topics?access_token=${mine}`);
  assertEquals(listed.status, 401);
});

Deno.test("an event stream ends when its token has expired, and the grace period too", async () => {
  const topic = `t-${crypto.randomUUID()}`;
  const writer = await bearer("w", { publish: ["*"] });
  await call(
    shared.gateway,
    "POST",
    `/v1/topics/${topic}/records`,
    { records: [{ value: 1 }] },
    writer,
  );
  const token = await tokenFor("me", { subscribe: ["*"] }, 2 - graceSeconds);
  const path = `/v1/topics/${topic}/events?from=earliest&access_token=${token}`;
  const response = await fetch(shared.gateway.origin + path);
  assert((await response.text()).includes("event: record"));
});

Deno.test("with a key it listens beyond loopback, and answers for any host", async () => {
  await using gateway = await Gateway.start({ HOST: "0.0.0.0", WEIR_JWT_SECRET: SECRET });
  const port = new URL(gateway.origin).port;
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
    headers: { host: "weir.example" },
  });
  assertEquals([response.status, await response.text()], [200, "ok\n"]);
});

Deno.test("while the keys cannot be fetched it is not ready, and says unavailable", async () => {
  const issuer = Deno.serve({ port: 0, onListen() {} }, () => new Response("no", { status: 503 }));
  try {
    const url = `http://127.0.0.1:${issuer.addr.port}/keys`;
    await using gateway = await Gateway.start({ WEIR_JWKS_URL: url });
    const ready = await call(gateway, "GET", "/readyz");
    assertEquals([ready.status, JSON.parse(ready.text).code], [503, "unavailable"]);
    assertEquals((await call(gateway, "GET", "/healthz")).status, 200);
    const header = btoa(JSON.stringify({ alg: "ES256", kid: "1" })).replaceAll("=", "");
    const authorization = `Bearer ${header}.e30.AAAA`;
    const asked = await call(gateway, "GET", "/v1/topics", undefined, { authorization });
    assertEquals([asked.status, JSON.parse(asked.text).code], [503, "unavailable"]);
    assertEquals(asked.headers.get("retry-after"), "5");
    // Over a socket as well; frames behind the hello are refused like it, and the socket stays
    // open.
    await using client = await Client.open(gateway, { hello: false });
    const token = authorization.slice("Bearer ".length);
    const replies = await client.all([{ type: "hello", token }, { type: "heartbeat" }]);
    const later = await client.all([{ type: "heartbeat" }, { type: "hello", token }]);
    for (const reply of [...replies, ...later]) {
      assertEquals([reply.type, "code" in reply && reply.code], ["error", "unavailable"]);
    }
    // Repeatedly: the limit on bytes before an answered hello starts over with each answer.
    for (let i = 0; i < 20; i++) {
      await client.refused("unavailable", { type: "hello", token, padding: "x".repeat(7_000) });
    }
  } finally {
    await issuer.shutdown();
  }
});
