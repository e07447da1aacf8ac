/**
 * Handshakes that are wrong, and their neighbours that are right, as a table: what is sent over TCP,
 * and the status that it gets. A socket that a row opens must work; after each row a healthy client
 * is answered as before.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { HTTP } from "../../src/limits.ts";
import { Gateway } from "../support/gateway.ts";
import { upgradeRequest } from "../support/raw_http.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { besideHealthy, drip, statusIn, statusOf } from "./exchange.ts";
import { withListener } from "./listener.ts";

const origin = "https://good.example";
const shared = Gateway.shared({ WEIR_ORIGINS: origin, WEIR_SOCKETS: "ws" });

const path = "/v1/connect";
const good = upgradeRequest(path);
const changed = (headers: Record<string, string | undefined>) => upgradeRequest(path, headers);
/** The good handshake with more header lines behind the others, and a body behind them. */
const more = (lines: readonly string[], body = "") =>
  good.replace("\r\n\r\n", ["", ...lines, "", ""].join("\r\n")) + body;
const begun = (line: string) => good.replace(/^.*\r\n/, `${line}\r\n`);
const protocols = (offered: string) => changed({ "Sec-WebSocket-Protocol": offered });
const from = (name: string) => changed({ Origin: name });
const plain = (target: string, lines: readonly string[] = []) =>
  [`GET ${target} HTTP/1.1`, "Host: 127.0.0.1", "Connection: close", ...lines, "", ""].join("\r\n");
/** As libraries ask that would rather speak HTTP/2. */
const offering = (target: string, body = "") =>
  plain(target, ["Upgrade: h2c", `Content-Length: ${body.length}`])
    .replace("Connection: close", "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk")
    .replace("GET", body === "" ? "GET" : "POST") + body;
const fillers = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1`);
const filled = (target: string, length: number) => target.padEnd(length, "a");
const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
/** Headers of the good handshake. */
const own = 6;

type Row = readonly [claim: string, request: string, status: string];

const rows: readonly Row[] = [
  ["the handshake of RFC 6455", good, "101"],

  ["no Host", changed({ Host: undefined }), "403"],
  ["two Hosts", more(["Host: 127.0.0.1"]), "400"],
  ["two Hosts, the second foreign", more(["host: evil.example"]), "400"],
  ["two Hosts of a plain request", plain("/healthz", ["HOST: evil.example"]), "400"],
  ["no Host of a plain request", "GET /healthz HTTP/1.1\r\n\r\n", "400"],
  ["a foreign Host", changed({ Host: "evil.example" }), "403"],
  ["no Upgrade", changed({ Upgrade: undefined }), "400"],
  ["two Upgrades", more(["Upgrade: websocket"]), "400"],
  ["an Upgrade to something else", changed({ Upgrade: "h2c" }), "400"],
  ["an Upgrade to one of two", changed({ Upgrade: "h2c, websocket" }), "400"],
  ["an Upgrade of a plain request", offering("/healthz"), "200"],
  ["an Upgrade of a plain request with a body", offering("/v1/producers", "{}"), "200"],
  ["an Upgrade to WebSocket elsewhere", upgradeRequest("/healthz"), "404"],
  ["an Upgrade in capitals", changed({ Upgrade: "WebSocket" }), "101"],
  ["no Connection", changed({ Connection: undefined }), "400"],
  ["a Connection that closes", changed({ Connection: "close" }), "400"],
  ["two Connections that upgrade", more(["Connection: Upgrade"]), "101"],
  ["a Connection as Firefox has it", changed({ Connection: "keep-alive, Upgrade" }), "101"],
  ["no key", changed({ "Sec-WebSocket-Key": undefined }), "400"],
  ["two keys", more([key]), "400"],
  ["an empty key", changed({ "Sec-WebSocket-Key": "" }), "400"],
  ["a key of 15 octets", changed({ "Sec-WebSocket-Key": "MTIzNDU2Nzg5MDEyMzQ1" }), "400"],
  ["a key that is no base64", changed({ "Sec-WebSocket-Key": "!".repeat(24) }), "400"],
  ["a key of 7,000 characters", changed({ "Sec-WebSocket-Key": "A".repeat(7_000) }), "400"],
  ...["7", "8", "13, 8", "8, 13", "12", "14", "013", "1.3e1", "0xd", "", "-13", "255"].map((
    version,
  ): Row => [`version "${version}"`, changed({ "Sec-WebSocket-Version": version }), "400"]),
  ["no version", changed({ "Sec-WebSocket-Version": undefined }), "400"],
  ["two versions", more(["Sec-WebSocket-Version: 13"]), "400"],
  [
    "version 8 with the origin where it then was",
    changed({ "Sec-WebSocket-Version": "8", "Sec-WebSocket-Origin": "https://evil.example" }),
    "400",
  ],

  ["GET with a body", more(["Content-Length: 5"], "hello"), "400"],
  ["GET with a body of nothing", more(["Content-Length: 0"]), "101"],
  ["GET with a body in chunks", more(["Transfer-Encoding: chunked"], "0\r\n\r\n"), "400"],
  ["a length beside chunks", more(["Content-Length: 3", "Transfer-Encoding: chunked"]), "400"],
  ["a body of two lengths", more(["Content-Length: 5", "Content-Length: 6"], "hello"), "400"],
  ["POST", begun(`POST ${path} HTTP/1.1`), "400"],
  ["POST without an upgrade", plain(path).replace("GET", "POST"), "405"],
  ["GET without an upgrade", plain(path), "400"],
  ["a method that is none", begun(`G3T ${path} HTTP/1.1`), "400"],
  ["HTTP/1.0", begun(`GET ${path} HTTP/1.0`), "400"],
  ["HTTP/0.9", begun(`GET ${path}`), "400"],
  ["HTTP/2.0 in the request line", begun(`GET ${path} HTTP/2.0`), "400"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"],
  [
    "an extended CONNECT as text",
    begun(`CONNECT ${path} HTTP/1.1`).replace("\r\n", "\r\n:protocol: websocket\r\n"),
    "400",
  ],
  [
    "CONNECT to elsewhere",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "cut",
  ],
  ["the hello of TLS", "\x16\x03\x01\x02\x00\x01", "400"],

  ["8 KiB and 1 octet of header", more([`X: ${"a".repeat(HTTP.headerBytes - 2)}`]), "431"],
  ["64 headers", more(fillers(HTTP.headers - own)), "101"],
  ["65 headers", more(fillers(HTTP.headers - own + 1)), "431"],
  [
    "a foreign Origin behind 64 others",
    more([...fillers(HTTP.headers - own), "Origin: https://evil.example"]),
    "431",
  ],
  ["600 headers", more(fillers(600)), "431"],
  ["65 headers of a plain request", plain("/healthz", fillers(HTTP.headers - 1)), "431"],
  ["64 headers of a plain request", plain("/healthz", fillers(HTTP.headers - 2)), "200"],
  ["an address of 2 KiB", upgradeRequest(filled(`${path}?`, HTTP.urlBytes)), "101"],
  ["an address of 2 KiB and 1 octet", upgradeRequest(filled(`${path}?`, HTTP.urlBytes + 1)), "414"],
  ["a path of 2 KiB and 1 octet", plain(filled("/", HTTP.urlBytes + 1)), "414"],
  ["a query of 4 KiB, as tokens need", plain(filled("/healthz?", 2 * HTTP.urlBytes)), "200"],
  ["a query of 8 KiB", plain(filled("/healthz?", HTTP.headerBytes)), "431"],
  ["a line break in the query", begun(`GET ${path}?a=\r\nX-Injected: 1 HTTP/1.1`), "400"],
  ["an escaped line break in the query", upgradeRequest(`${path}?a=%0d%0aX-Injected:%201`), "101"],
  ["an escaped line break in the path", upgradeRequest("/v1/%0d%0aX-Injected:%201"), "404"],
  ["lines that end in LF alone", good.replaceAll("\r\n", "\n"), "400"],
  ["a header that goes on in the next line", more(["X-A: b\r\n c"]), "400"],
  ["white space before a colon", more(["X-A : b"]), "400"],
  ["NUL in a header", more(["X-A: a\0b"]), "400"],
  ["another path", upgradeRequest("/v1/other"), "404"],
  ["the address of a proxy", upgradeRequest(`http://127.0.0.1${path}`), "404"],
  ["two slashes before the path", upgradeRequest(`/${path}`), "404"],

  ["no subprotocol", changed({ "Sec-WebSocket-Protocol": undefined }), "400"],
  ["only unknown subprotocols", protocols("weir.v2, chat"), "400"],
  ["the subprotocol in capitals", protocols("WEIR.V1"), "400"],
  [
    "1,000 subprotocols, ours last",
    protocols(`${fillers(1_000).map((_, n) => `p${n}`)},weir.v1`),
    "101",
  ],
  ["the subprotocol twice", protocols("weir.v1, weir.v1"), "400"],
  ["a subprotocol that is no token", protocols("weir.v1, b@d"), "400"],
  ["subprotocols in two headers", more(["Sec-WebSocket-Protocol: mqtt"]), "101"],
  ["4,000 spaces in a subprotocol", protocols(`a${" ".repeat(4_000)}b, weir.v1`), "400"],
  ["32,000 spaces behind the subprotocol", protocols(`weir.v1${" ".repeat(32_000)}`), "431"],

  ["a listed Origin", from(origin), "101"],
  ["a listed Origin with its standard port", from(`${origin}:443`), "101"],
  ["a listed Origin in capitals", from(origin.toUpperCase()), "101"],
  ["the Origin of the gateway itself", from("http://127.0.0.1"), "101"],
  ...["null", "", "https://evil.example", `${origin}.evil`, `${origin}:8443`, `${origin}/`].map((
    name,
  ): Row => [`Origin "${name}"`, from(name), "403"]),
  ["a listed Origin by another scheme", from("http://good.example"), "403"],
  ["a listed name behind another", from("https://evil.example/https://good.example"), "403"],
  ["a listed name behind that of a user", from("https://good.example@evil.example"), "403"],
  ["two Origins", more([`Origin: ${origin}`, "Origin: https://evil.example"]), "403"],
  ["two Origins, the listed one last", more(["Origin: null", `Origin: ${origin}`]), "403"],
];

for (const [claim, request, status] of rows) {
  Deno.test(`handshake: ${claim}: ${status}`, async () => {
    const found = await besideHealthy(shared.gateway, () => statusOf(shared.gateway, request));
    assertEquals(found, status);
  });
}

Deno.test("handshake: a refused version is told the one that is taken", async () => {
  using socket = await RawSocket.connect(shared.gateway);
  const head = await socket.shake(shared.gateway, { "sec-websocket-version": "8" });
  assertMatch(head, /^sec-websocket-version: 13$/im);
});

Deno.test("handshake: the answer proves that the key was read, and takes no extension", async () => {
  using socket = await RawSocket.connect(shared.gateway);
  const head = await socket.shake(shared.gateway, {
    "sec-websocket-extensions": "permessage-deflate; client_max_window_bits, x-other",
  });
  assertMatch(head, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/im);
  assertMatch(head, /^sec-websocket-protocol: weir\.v1$/im);
  assertEquals(/sec-websocket-extensions/i.test(head), false);
});

Deno.test("handshake: 500 connections that stop in the middle of one keep nobody else out", async () => {
  await besideHealthy(shared.gateway, async () => {
    const halves = await Promise.all(
      Array.from({ length: 500 }, () => RawSocket.connect(shared.gateway)),
    );
    const half = new TextEncoder().encode(good.slice(0, good.length / 2));
    for (const socket of halves) await socket.write(half);
    assertEquals(await statusOf(shared.gateway, good), "101");
    for (const socket of halves) socket.close();
  });
});

/** What comes octet by octet, each in time, and never ends: how it begins, and what goes on. */
const drips: readonly (readonly [claim: string, begin: string, octet: string])[] = [
  ["a connection that says nothing", "", ""],
  ["a request line octet by octet", "GET /", "a"],
  ["headers octet by octet", good.slice(0, -2), "X"],
  ["a header octet by octet", good.slice(0, -4), "a"],
  ["empty lines before a request", "", "\r\n"],
  [
    "a body octet by octet",
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n",
    "a",
  ],
];

Deno.test("handshake: a request that drips is cut off when its time is over: 408", async () => {
  // Whoever answers waits for the body.
  const fetching = async (request: Request) => new Response(await request.text());
  const times = { headersMs: 300, requestMs: 600 };
  await withListener({ ...times, fetch: fetching }, async (listening) => {
    const found = await Promise.all(drips.map(async ([claim, begin, octet]) => {
      using socket = await RawSocket.connect(listening);
      return [claim, statusIn(await drip(socket, begin, octet, () => socket.head()))];
    }));
    assertEquals(found, drips.map(([claim]) => [claim, "408"]));
    const response = await fetch(listening.url, { method: "POST", body: "fine" });
    assertEquals(await response.text(), "fine");
  });
});

Deno.test("handshake: a body that nobody reads and that drips keeps no connection: it ends", async () => {
  const bodies = [["Content-Length: 900", "a"], ["Transfer-Encoding: chunked", "1\r\na\r\n"]];
  for (const method of ["GET", "HEAD"]) {
    for (const [header, octet] of bodies as [string, string][]) {
      using socket = await RawSocket.connect(shared.gateway);
      const begin = `${method} /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\n\r\n`;
      const head = await drip(socket, begin, octet, async () => {
        const head = await socket.head();
        while (await socket.takeByte());
        return head;
      });
      assertMatch(head, /^HTTP\/1.1 200 [^]*connection: close/i);
    }
  }
});
