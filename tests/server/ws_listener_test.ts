import { assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { Listener } from "../../src/server/upgrade.ts";
import { listen } from "../../src/server/ws_listener.ts";
import { exchange } from "../support/raw_http.ts";

const host = "Host: 127.0.0.1\r\n";

function listenOn(
  port: number,
  headersMs = 10_000,
  answer: () => Response | Promise<Response> = () => new Response("ok"),
): Promise<Listener> {
  return listen({
    headersMs,
    host: "127.0.0.1",
    port,
    rules: { open: false, origins: [] },
    telemetry: { count() {}, observe() {}, report() {} },
    fetch: answer,
    connect: () => ({ receive() {}, writable() {}, closed() {}, congested: false }),
  });
}

const requests: readonly [string, string, RegExp][] = [
  ["a good request", `GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, /^HTTP\/1.1 200 /],
  [
    "headers over the limit",
    `GET / HTTP/1.1\r\n${host}X: ${"a".repeat(9000)}\r\n\r\n`,
    /^HTTP\/1.1 431 /,
  ],
  ["a path over the limit", `GET /${"a".repeat(9000)} HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 431 /],
  ["what is no HTTP", "\x16\x03\x01 hello\r\n\r\n", /^HTTP\/1.1 400 /],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1.1 400 /],
  [
    "two lengths",
    `POST / HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1.1 400 /,
  ],
];

Deno.test("the server answers what is no request for it, and goes on", async () => {
  const listener = await listenOn(0);
  for (const [what, request, expected] of requests) {
    assertMatch(await exchange(listener.url, request), expected, what);
  }
  const good = await fetch(listener.url);
  assertStringIncludes(await good.text(), "ok");
  await listener.close();
});

Deno.test("a port that is taken is refused", async () => {
  const listener = await listenOn(0);
  await assertRejects(() => listenOn(Number(new URL(listener.url).port)), Error, "EADDRINUSE");
  await listener.close();
});

Deno.test("a request whose headers do not come in time is refused", async () => {
  const listener = await listenOn(0, 200);
  assertMatch(await exchange(listener.url, "GET / HTTP/1.1\r\nHo"), /^HTTP\/1.1 408 /);
  await listener.close();
});

Deno.test("when the server closes, a request that is being answered gets its answer", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: answer, resolve: give } = Promise.withResolvers<Response>();
  const listener = await listenOn(0, 10_000, () => {
    ask();
    return answer;
  });
  const response = fetch(listener.url);
  await asked;
  const closed = listener.close();
  give(new Response("here it is"));
  assertStringIncludes(await (await response).text(), "here it is");
  await closed;
});
