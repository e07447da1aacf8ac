/** What the fuzzer fails on: each rule of it is broken here once, and has to notice. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { decodeMessage } from "../../src/protocol/codec.ts";
import { Chance } from "../support/chance.ts";
import { faultOfAnswer, readAnswer } from "./answers.ts";
import { conversation } from "./conversations.ts";
import { faultOf } from "./gateway_frames.ts";
import { anyFrame } from "./grammar.ts";
import { Ledger } from "./ledger.ts";

function holds(fault: string | undefined, breaks: string | undefined): void {
  if (breaks === undefined) assertEquals(fault, undefined);
  else assertStringIncludes(fault ?? "nothing", breaks);
}

const ok = { type: "ok", id: 3 };
const refused = {
  type: "error",
  id: 3,
  code: "unknown_topic",
  message: "There is none",
  retry: "never",
  effect: "none",
};
const of = { subscription: 1, topic: "t", partition: 0 };
const record = { offset: 5, timestamp: 1, value: null };
const records = { type: "records", ...of, records: [record], next: 6, bytes: 4 };

/** What came, the type of the request, and what is wrong with it. */
const frames: readonly [what: string, frame: unknown, request: string, breaks?: string][] = [
  ["a refusal", refused, "publish"],
  ["a code of no table", { ...refused, code: "oops" }, "publish", "not in the table"],
  ["the name of a member of every object", { ...refused, code: "toString" }, "publish", "table"],
  ["a bug of the gateway", { ...refused, code: "internal" }, "publish", "a bug"],
  ["another retry", { ...refused, retry: "same" }, "publish", "retry is same"],
  ["another effect", { ...refused, effect: "unknown" }, "publish", "effect is unknown"],
  ["a refusal without a message", { ...refused, message: "" }, "publish", "message"],
  ["a refusal that says more", { ...refused, stack: "at …" }, "publish", "stack"],
  [
    "a gap without what is expected",
    {
      ...refused,
      code: "sequence_gap",
      retry: "resend",
    },
    "publish",
    "carries no expected",
  ],
  ["a publish", { ...ok, offsets: [[0, 5]] }, "publish"],
  ["a publish without offsets", ok, "publish", "offsets"],
  ["an offset below zero", { ...ok, offsets: [[0, -1]] }, "publish", "offsets.0.1"],
  ["an offset that is a text", { ...ok, offsets: [[0, "1"]] }, "publish", "offsets.0.1"],
  [
    "a duplicate that is not true",
    { ...ok, offsets: [], duplicate: false },
    "publish",
    "duplicate",
  ],
  ["an ok that says more", { ...ok, member: 1 }, "leave", "member"],
  ["an ok of what is no request", ok, "records", "was granted"],
  ["an ok of a member of every object", ok, "constructor", "was granted"],
  ["records", records, ""],
  ["records of none", { ...records, records: [] }, "", "records"],
  ["a record without a value", { ...records, records: [{ offset: 5, timestamp: 1 }] }, "", "value"],
  ["a key that is null", { ...records, records: [{ ...record, key: null }] }, "", "key"],
  ["an unsafe offset", { ...records, next: 2 ** 53 }, "", "next"],
  ["a push of no type that is known", { type: "toString" }, "", "no push of type"],
  ["what is no frame", null, "", "no push of type"],
];

for (const [what, frame, request, breaks] of frames) {
  Deno.test(`the oracle ${breaks ? "finds" : "lets pass"} ${what}`, () => {
    holds(faultOf(frame, request), breaks);
  });
}

type Step =
  | readonly ["sends" | "gets", unknown]
  | readonly ["binary", Uint8Array]
  | readonly ["closed", number]
  | readonly ["ends"];

const publish = { type: "publish", id: 3, topic: "t", records: [{ value: 1 }] };
const published = { ...ok, offsets: [[0, 5]] };
const anonymous = { ...refused, id: undefined, code: "invalid_frame" };
const invalid = { ...refused, code: "invalid_frame" };
const limits = Object.fromEntries(
  "messageBytes recordBytes publishRecords publishBytes publishPartitions commitOffsets inFlight subscriptions"
    .split(" ").map((limit) => [limit, 1]),
);
const hello: readonly Step[] = [["sends", { type: "hello", id: 1 }], ["gets", {
  type: "ok",
  id: 1,
  session: "01JDGY5V1N3TXW2C8Q9Z4R7M6K",
  server: "weir",
  heartbeatMs: 1,
  sessionTimeoutMs: 1,
  limits,
}]];

/** What happened on a socket, in order, and which rule it breaks. */
const books: readonly [what: string, steps: readonly Step[], breaks?: string][] = [
  ["a request that is answered", [["sends", publish], ["gets", published], ["ends"]]],
  ["a request that is not", [["sends", publish], ["ends"]], "request 3 got no reply"],
  ["two answers to one", [["sends", publish], ["gets", published], ["gets", refused]], "too many"],
  ["an answer to nothing", [["gets", published]], "not asked"],
  ["the answer to another type", [["sends", publish], ["gets", ok]], "offsets"],
  ["a message of no frames", [["gets", []]], "a message of 0 frames"],
  ["null in the place of a frame", [["gets", [null]]], "no frame came"],
  ["what is no frame and told so", [["sends", 1], ["gets", anonymous], ["ends"]]],
  ["what is no frame and passed over", [["sends", 1], ["ends"]], "1 errors without an id were due"],
  ["an error about nothing", [["gets", anonymous], ["ends"]], "0 were due"],
  ["an error about what has no id", [
    ["sends", { type: "heartbeat", x: 1 }],
    ["gets", anonymous],
    ["ends"],
  ]],
  ["an id twice, refused without one", [
    ["sends", [publish, publish]],
    ["gets", anonymous],
    ["gets", published],
    ["ends"],
  ]],
  ["an id twice, granted twice", [
    ["sends", [publish, publish]],
    ["gets", [published, published]],
    ["ends"],
  ]],
  ["an id twice, answered once", [
    ["sends", [publish, publish]],
    ["gets", published],
    ["ends"],
  ], "1 errors without an id were due"],
  ["65 levels of brackets, one of them in a string", [
    ["sends", [{ type: "x", id: 3, x: `${"[".repeat(65)}` }]],
    ["gets", refused],
    ["ends"],
  ]],
  ["members and elements as many as may be, and colons in strings", [
    ["sends", { type: "x", id: 3, x: Array(74_998).fill({ "a:": ":" }) }],
    ["gets", refused],
    ["ends"],
  ]],
  ["one member more", [
    ["sends", { type: "x", id: 3, x: Array(75_000).fill({ a: 1 }) }],
    ["gets", refused],
  ], "not asked"],
  ["a close for a binary message", [["binary", new Uint8Array(1)], ["closed", 1003]]],
  ["a close for nothing", [...hello, ["closed", 1003]], "closed with 1003"],
  ["an end without a word", [...hello, ["closed", 1006]], "closed with 1006"],
  ["a failure of the gateway's", [["sends", publish], ["closed", 1011]], "closed with 1011"],
  ["no hello", [["sends", publish], ["closed", 4501]]],
  ["no hello, after one", [...hello, ["closed", 4501]], "closed with 4501"],
  ["a large message before hello", [["sends", "x".repeat(8_192)], ["closed", 1009]]],
  ["the same after hello", [...hello, ["sends", "x".repeat(8_192)], ["closed", 1009]], "1009"],
  ["too much nonsense", [
    ["sends", Array.from({ length: 64 }, (_, i) => ({ ...publish, id: 3 + i }))],
    ["sends", Array.from({ length: 37 }, (_, i) => ({ ...publish, id: 67 + i }))],
    ...Array.from({ length: 101 }, (_, i) => ["gets", { ...invalid, id: 3 + i }] as const),
    ["closed", 4502],
  ]],
  ["a little nonsense", [["sends", publish], ["gets", invalid], ["closed", 4502]], "4502"],
];

for (const [what, steps, breaks] of books) {
  Deno.test(`the ledger ${breaks ? "finds" : "lets pass"} ${what}`, () => {
    const ledger = new Ledger();
    for (const step of steps) {
      if (step[0] === "sends") ledger.sent(new TextEncoder().encode(JSON.stringify(step[1])));
      else if (step[0] === "gets") ledger.received(JSON.stringify(step[1]));
      else if (step[0] === "binary") ledger.sentBinary(step[1]);
      else if (step[0] === "closed") ledger.closed(step[1]);
      else ledger.settle();
    }
    holds(ledger.faults[0], breaks);
  });
}

const problem = (status: number, more = {}) => {
  const { type: _, id: __, ...members } = refused;
  const body = JSON.stringify({ title: "No", status, ...members, ...more });
  return `HTTP/1.1 ${status} No\r\ncontent-type: application/problem+json\r\n\r\n${body}`;
};
const json = (head: string, body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}\r\n${body}`;

/** An answer, whether what it answers may be no HTTP, and what is wrong with it. */
const answers: readonly [what: string, answer: string, lies: boolean, breaks?: string][] = [
  ["a problem", problem(404), false],
  ["a problem under another status", problem(409), false, "unknown_topic is 409"],
  ["a problem that says another status", problem(404, { status: 400 }), false, "says that it is"],
  ["a problem of no table", problem(404, { code: "oops" }), false, "not in the table"],
  [
    "a group that is active behind a first write",
    problem(409, { code: "group_active", effect: "unknown" }),
    false,
  ],
  ["another effect", problem(404, { effect: "unknown" }), false, "effect is unknown"],
  ["a failure of the gateway's", problem(500, { code: "internal" }), false, "a bug"],
  ["a bare refusal of what is no HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", true],
  ["a bare refusal of a request", "HTTP/1.1 400 Bad Request\r\n\r\n", false, "is no problem"],
  ["a bare failure", "HTTP/1.1 500 Oh\r\n\r\n", true, "is no problem"],
  ["JSON", json("", '{"a":1}'), false],
  ["JSON in chunks", json("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"), false],
  ["what is called JSON", json("", "{"), false, "is none"],
  ["a status of no rule", "HTTP/1.1 302 Found\r\n\r\n", false, "status 302"],
];

for (const [what, text, lies, breaks] of answers) {
  Deno.test(`over HTTP, the oracle ${breaks ? "finds" : "lets pass"} ${what}`, () => {
    const answer = readAnswer(new TextEncoder().encode(text));
    holds(answer ? faultOfAnswer(answer, { method: "GET", lies }) : "no answer", breaks);
  });
}

Deno.test("what is not mutated is valid", () => {
  const chance = new Chance(1);
  for (let id = 2; id < 3_000; id++) {
    const text = JSON.stringify(anyFrame(chance, id)).replace(/"@(epoch|sequence)"/g, "1");
    for (const { error } of decodeMessage(new TextEncoder().encode(text))) {
      assertEquals(error?.message, undefined, text);
    }
  }
});

Deno.test("the same seed says the same, another one does not", () => {
  const all = (seed: number) =>
    JSON.stringify(Array.from({ length: 60 }, (_, number) => conversation(seed, number)));
  const first = all(1);
  assertEquals(all(1), first);
  assertEquals(all(2) === first, false);
});
