/**
 * What others learnt the hard way, and the test here that holds each of it. Below the table are
 * those that are tested nowhere else.
 *
 * CVE-2026-49860 (Deno, `--deny-net` by name) does not apply: nothing is denied, all is granted by
 * name.
 */

import { assertEquals } from "@std/assert";
import { Client } from "../support/client.ts";
import { Gateway } from "../support/gateway.ts";
import { call, makeTopic } from "../support/http.ts";
import { encodeFrame, RawSocket } from "../support/raw_socket.ts";
import { assertHasTest } from "../support/test_names.ts";
import { besideHealthy, drip, greeted, OPCODE, said, statusOf } from "./exchange.ts";

const shared = Gateway.shared({ WEIR_SOCKETS: "ws" });

type Lesson = readonly [learntBy: string, lesson: string, file: string, test: string];

const frames = "wire/frames_corpus_test.ts";
const handshakes = "wire/handshake_corpus_test.ts";
const here = "wire/lessons_test.ts";
const sessions = "contracts/tokens_session_test.ts";
const tokens = "server/tokens_test.ts";
const leaks = [
  "identity/leaks_test.ts",
  "a grant for some keys shows all of these and nothing of another, however it is used",
] as const;

const lessons: readonly Lesson[] = [
  [
    "CVE-2026-42786 (Bandit)",
    "parts of a message count together, before anybody is known",
    frames,
    "frames before hello: unfinished parts of 1 KiB: 1009",
  ],
  [
    "CVE-2026-47073 (hackney)",
    "a time that every octet prolongs is none: of a handshake",
    handshakes,
    "handshake: a request that drips is cut off when its time is over: 408",
  ],
  [
    "CVE-2026-47073 (hackney)",
    "a time that every octet prolongs is none: of a session",
    here,
    "octets of a frame, parts, pings and pongs keep no session alive: 4000",
  ],
  [
    "GHSA of 2026 on tiny fragments (ws)",
    "parts are counted, not only their bytes",
    frames,
    "frames: a million parts of nothing: 1008",
  ],
  [
    "CVE-2026-27571 (NATS)",
    "what inflates is a bomb: no extension is agreed on",
    handshakes,
    "handshake: the answer proves that the key was read, and takes no extension",
  ],
  [
    "CVE-2026-27571 (NATS)",
    "what inflates is a bomb: nor is one taken without agreement",
    frames,
    "frames: a bit for compression that was not agreed on: 1002",
  ],
  [
    "CVE-2026-27571 (NATS)",
    "what inflates is a bomb: over HTTP",
    here,
    "bodies that are compressed are not inflated",
  ],
  [
    "CVE-2026-27889 (NATS)",
    "a length may be any number",
    frames,
    "frames: parts that together claim 2^64 octets: 1009",
  ],
  [
    "NATS 2026-18 (GHSA-jx8g-9g95-6322)",
    "who reads as one of a group needs what any reader needs",
    ...leaks,
  ],
  [
    "NATS 2026-26 (GHSA-7qmq-8cc4-hxwg)",
    "what was kept is read again with the rights of now: resumes, seeks, pages",
    ...leaks,
  ],
  [
    "NATS 2026-16",
    "every way to a record asks the same function: over a socket",
    sessions,
    "nothing is allowed that is not granted, and nothing is created without the right",
  ],
  [
    "NATS 2026-16",
    "every way to a record asks the same function: an event stream",
    "contracts/tokens_http_test.ts",
    "an event stream takes its token from the query, and reads what that allows",
  ],
  [
    "CVE-2026-6564 (EMQX)",
    "a name is taken over only by the subject that it belongs to",
    sessions,
    "nobody fences the producer or the instance of another subject",
  ],
  [
    "CVE-2026-33246 (NATS)",
    "nobody says of itself who it is",
    here,
    "names in headers and frames are nobody's identity: 401 and 4501",
  ],
  [
    "CVE-2026-33217 (NATS)",
    "names of the inside cannot be reached: over a socket",
    "contracts/bad_input_test.ts",
    "names: topics and groups, over the socket",
  ],
  [
    "CVE-2026-33217 (NATS)",
    "names of the inside cannot be reached: over HTTP",
    "contracts/bad_input_test.ts",
    "names: topics and groups, over HTTP",
  ],
  [
    "CVE-2026-32301 (Centrifugo)",
    "no address is made from what nobody has verified",
    tokens,
    "an address where the key is is refused",
  ],
  [
    "CVE-2026-49998 (Centrifugo)",
    "keys belong to an issuer: those of another, of the same name, are others",
    tokens,
    "keys of one name are each taken only for the issuer that they are of",
  ],
  [
    "CVE-2026-8741 (EMQX)",
    "that it was stored and that it is known as stored are one write",
    "contracts/producing_idempotence_test.ts",
    "a duplicate that is sent while the first is still unanswered stores nothing either",
  ],
  [
    "CVE-2026-8741 (EMQX)",
    "that it was stored and that it is known as stored are one write, also after a restart",
    "log/log_test.ts",
    "a repeat is stored once and gets its original offsets, also after a restart",
  ],
  ["CVE-2024-37890 (ws)", "many headers", handshakes, "handshake: 600 headers: 431"],
  [
    "CVE-2021-32640 (ws)",
    "patterns that take forever on a header",
    handshakes,
    "handshake: 4,000 spaces in a subprotocol: 400",
  ],
  [
    "CVE-2024-38355 (socket.io), CVE-2022-21676 (engine.io)",
    "what nobody catches ends its socket, never the process",
    "server/ws_socket_test.ts",
    "an error thrown by a session closes its socket with 1011, and no other",
  ],
  [
    "CVE-2023-32695 (socket.io-parser)",
    "a malformed packet ends nothing but itself",
    "fuzz/fuzz_test.ts",
    "60 conversations of nonsense harm nobody, and what they get is what the page says",
  ],
  [
    "socket.io-parser, 2026-03-17",
    "a number that a client announces reserves nothing: of octets",
    here,
    "what is announced reserves nothing: a body of 2^53-1 octets: 413",
  ],
  [
    "socket.io-parser, 2026-03-17",
    "a number that a client announces reserves nothing: of records",
    here,
    "what is announced reserves nothing: credit of 2^53-1 is a balance that stops",
  ],
  [
    "CVE-2023-0809 (Mosquitto)",
    "the first packet costs little, whatever it claims",
    frames,
    "frames before hello: one that claims 1 MiB is cut off at 64 KiB: 1009",
  ],
  [
    "CVE-2023-0809 (Mosquitto)",
    "the first packet costs little, whatever it is",
    "contracts/connection_hello_test.ts",
    "before hello is answered a message of 8 KiB is taken, a longer one closes with 1009",
  ],
  [
    "CVE-2021-34432 (Mosquitto)",
    "a topic with no letters",
    "contracts/bad_input_test.ts",
    "names: topics and groups, over the socket",
  ],
  [
    "CWE-1385",
    "an origin is compared whole: of a socket",
    handshakes,
    "handshake: a listed name behind another: 403",
  ],
  [
    "CWE-1385",
    "an origin is compared whole, and null is none",
    "server/admission_test.ts",
    "any other origin is forbidden, and null always",
  ],
];

for (const [learntBy, lesson, file, test] of lessons) {
  Deno.test(`lesson of ${learntBy}: ${lesson}`, () => assertHasTest(file, test));
}

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
