/**
 * What others learnt the hard way, and the test here that holds it. Below are those that are tested
 * nowhere else.
 *
 * | lesson | learnt by | held by |
 * | --- | --- | --- |
 * | parts of a message count together, before anybody is known | CVE-2026-42786 (Bandit) | `frames_corpus_test.ts`, "frames before hello" |
 * | a time that every octet prolongs is none | CVE-2026-47073 (hackney) | `handshake_corpus_test.ts`, "a request that drips"; below, "octets of a frame" |
 * | parts are counted, not only their bytes | GHSA of 2026 (ws) | `frames_corpus_test.ts`, "a million parts of nothing" |
 * | what inflates is a bomb | CVE-2026-27571 (NATS) | `handshake_corpus_test.ts`, "takes no extension"; `rfc6455_test.ts`, reserved bits; below, "bodies that are compressed" |
 * | a length may be any number | CVE-2026-27889 (NATS) | `frames_corpus_test.ts`, "a length of 2^63" |
 * | every way to a record asks the same function | NATS 2026-18, 2026-26, 2026-16; CVE-2026-6564 (EMQX) | `contracts/tokens_*_test.ts`, `identity/` |
 * | nobody says of itself who it is | CVE-2026-33246 (NATS) | below, "names in headers and frames" |
 * | names of the inside cannot be reached | CVE-2026-33217 (NATS) | `contracts/bad_input_test.ts`, "names" |
 * | no address is made from what nobody has verified; keys belong to an issuer | CVE-2026-32301, CVE-2026-49998 (Centrifugo) | `server/` and `identity/`, on tokens |
 * | that it was stored and that it is known as stored are one write | CVE-2026-8741 (EMQX) | `contracts/producing_idempotence_test.ts`, `sim/` |
 * | many headers | CVE-2024-37890 (ws) | `handshake_corpus_test.ts`, "600 headers" |
 * | patterns that take forever on a header | CVE-2021-32640 (ws) | `handshake_corpus_test.ts`, "4,000 spaces", "32,000 spaces" |
 * | one bad packet ends its socket, never the process | CVE-2024-38355, CVE-2023-32695, CVE-2022-21676 (socket.io) | every table of this folder; `server/ws_socket_test.ts`, 1011 |
 * | a number that a client announces reserves nothing | socket.io-parser, 2026-03-17 | below, "what is announced" |
 * | the first packet costs little, whatever it is | CVE-2023-0809 (Mosquitto) | `frames_corpus_test.ts`, "frames before hello"; `contracts/connection_hello_test.ts` |
 * | a topic with no letters | CVE-2021-34432 (Mosquitto) | `contracts/bad_input_test.ts`, "names" |
 * | an origin is compared whole | CWE-1385 | `handshake_corpus_test.ts`, "Origin", "version 8"; `server/admission_test.ts` |
 *
 * CVE-2026-49860 (Deno, `--deny-net` by name) does not apply: nothing is denied, all is granted by name.
 */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, makeTopic } from "../support/http.ts";
import { encodeFrame, RawSocket } from "../support/raw_socket.ts";
import { besideHealthy, drip, greeted, OPCODE, said, statusOf } from "./exchange.ts";

const shared = Gateway.shared({ WEIR_SOCKETS: "ws" });

/** What comes octet by octet without end, and is never a whole message. */
const drips = [
  [
    "octets of a frame",
    encodeFrame({ opcode: OPCODE.text, payload: " ".repeat(60_000) }).slice(0, 8),
    " ",
  ],
  [
    "parts of a message",
    encodeFrame({ opcode: OPCODE.text, payload: " ", final: false }),
    part(" "),
  ],
  ["pings", "", encodeFrame({ opcode: OPCODE.ping })],
  ["pongs", "", encodeFrame({ opcode: OPCODE.pong })],
] as const;

function part(payload: string): Uint8Array {
  return encodeFrame({ opcode: 0, payload, final: false });
}

Deno.test("octets of a frame, parts, pings and pongs keep no session alive: 4000", async () => {
  const times = { WEIR_HEARTBEAT_MS: "200", WEIR_SESSION_TIMEOUT_MS: "1000" };
  await using gateway = await Gateway.start({ WEIR_SOCKETS: "ws", ...times });
  await Promise.all(drips.map(async ([what, begin, octet]) => {
    using socket = await greeted(gateway);
    const code = await drip(socket, begin, octet, () => socket.closeCode());
    assertEquals(code, 4000, what);
  }));
});

Deno.test("nor do they prolong the time for hello: 4500", async () => {
  const silence = ["nothing", "", ""] as const;
  await Promise.all([silence, ...drips].map(async ([what, begin, octet]) => {
    using socket = await RawSocket.open(shared.gateway);
    const code = await drip(socket, begin, octet, () => socket.closeCode());
    assertEquals(code, 4500, what);
  }));
});

const post = (lines: readonly string[], body: string) =>
  [
    "POST /v1/topics/announced/records HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: close",
    ...lines,
    "",
    body,
  ].join("\r\n");

/** Numbers that only say how much there will be. */
const announced: readonly (readonly [claim: string, request: string, status: string])[] = [
  ["a body of 1 MiB and 1 octet", post(["Content-Length: 1048577"], "{"), "413"],
  ["a body of 2^53-1 octets", post(["Content-Length: 9007199254740991"], "{"), "413"],
  ["a body of 2^64 octets", post(["Content-Length: 18446744073709551616"], "{"), "400"],
  ["a body of -1 octets", post(["Content-Length: -1"], "{"), "400"],
  ["a piece of 2^64 octets", post(["Transfer-Encoding: chunked"], "10000000000000000\r\n{"), "400"],
  [
    "a length beside pieces",
    post(["Transfer-Encoding: chunked", "Content-Length: 2"], "{}"),
    "400",
  ],
  ["a page of 2^53-1 records", page("limit=9007199254740991"), "200"],
  ["a page of 2^64 records", page("limit=18446744073709551616"), "400"],
];

function page(query: string): string {
  return post([], "").replace(/^POST (\S+)\/records/, `GET $1/partitions/0/records?${query}`);
}

for (const [claim, request, status] of announced) {
  Deno.test(`what is announced reserves nothing: ${claim}: ${status}`, async () => {
    await call(shared.gateway, "PUT", "/v1/topics/announced", { partitions: 1 });
    const found = await besideHealthy(shared.gateway, () => statusOf(shared.gateway, request));
    assertEquals(found, status);
  });
}

Deno.test("what is announced reserves nothing: credit of 2^53-1 is a balance that stops", async () => {
  await using client = await Client.open(shared.gateway);
  const topic = await makeTopic(shared.gateway, 1);
  const most = 2 ** 53 - 1;
  const credit = { records: most, bytes: most };
  const { subscription } = await client.subscribe(topic, { credit });
  for (let n = 0; n < 10; n++) await client.request({ type: "credit", subscription, ...credit });
  await client.publish(topic, [{ value: 1 }]);
  assertEquals((await client.records(subscription, 1)).length, 1);
});

Deno.test("bodies that are compressed are not inflated", async () => {
  const bomb = new Blob([new Uint8Array(16 * 1024 * 1024)]).stream();
  const body = await new Response(bomb.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  await besideHealthy(shared.gateway, async () => {
    for (const encoding of ["gzip", "gzip, gzip", "deflate", "br"]) {
      const response = await fetch(`${shared.gateway.origin}/v1/topics/announced/records`, {
        method: "POST",
        headers: { "content-encoding": encoding },
        body,
      });
      assertEquals([response.status, (await response.json()).code], [400, "invalid_frame"]);
    }
  });
});

Deno.test("names in headers and frames are nobody's identity: 401 and 4501", async () => {
  await using gateway = await Gateway.start({ WEIR_JWT_SECRET: "s".repeat(32) });
  const named = {
    "authorization": `Basic ${btoa("admin:admin")}`,
    "cookie": "token=admin; session=admin",
    "x-forwarded-user": "admin",
    "x-forwarded-for": "127.0.0.1",
    "forwarded": "for=127.0.0.1",
    "x-weir-sub": "admin",
  };
  assertEquals((await call(gateway, "GET", "/v1/topics", undefined, named)).status, 401);
  using socket = await RawSocket.connect(gateway);
  await socket.shake(gateway, named);
  const weir = { publish: ["*"], subscribe: ["*"], groups: ["*"], admin: true };
  const hello = {
    type: "hello",
    id: 1,
    sub: "admin",
    weir,
    client: { name: "admin", version: "1" },
  };
  const payload = JSON.stringify(hello);
  const outcome = await said(socket, [{ opcode: OPCODE.text, payload }], { ending: "4501" });
  assertEquals(outcome, "unauthenticated 1, 4501");
});
