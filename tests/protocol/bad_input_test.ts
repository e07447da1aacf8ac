/**
 * Bad input as far as frames go: what is too large or too odd for the conformance vectors, where the
 * rest of the table is. Each must get the reply that the protocol says, and get it soon.
 */

import { assert, assertEquals } from "@std/assert";
import { decode, outcome } from "./messages.ts";

const publish = (members: string) => `{"type":"publish","id":7,"topic":"gps",${members}}`;
const valued = (value: string) => publish(`"records":[{"value":${value}}]`);
const named = (topic: unknown) => ({ type: "publish", topic, records: [{ value: 1 }] });
const published = (records: unknown[]) => ({ type: "publish", id: 7, topic: "gps", records });
const bytes = (...values: number[]) => Uint8Array.of(0x22, ...values, 0x22);
const spliced = (value: Uint8Array) => {
  const [before, after] = valued("|").split("|").map((text) => new TextEncoder().encode(text));
  return new Uint8Array([...before ?? [], ...value, ...after ?? []]);
};

const table: [claim: string, message: unknown, outcome: string][] = [
  // JSON
  ["a million open arrays", "[".repeat(1_000_000), "invalid_frame"],
  ["a million open objects", '{"a":'.repeat(200_000), "invalid_frame"],
  ["arrays as deep as closed", "[".repeat(65) + "]".repeat(65), "invalid_frame"],
  ["a value with 10,000 levels", valued("[".repeat(10_000) + "]".repeat(10_000)), "invalid_frame"],
  ["a value as deep as may be", valued("[".repeat(61) + "]".repeat(61)), "accepted"],
  ["a value one level deeper", valued("[".repeat(62) + "]".repeat(62)), "invalid_frame"],
  ["60,000 members", publish(`${manyMembers(60_000)},"records":[{"value":1}]`), "accepted"],
  ["150,000 members", `{"type":"heartbeat",${shortMembers(149_999)}}`, "accepted"],
  ["150,001 members", `{"type":"heartbeat",${shortMembers(150_000)}}`, "invalid_frame"],
  ["30,000 members in a value", valued(`{${manyMembers(30_000)}}`), "record_too_large"],
  ["an id of 400 digits", `{"type":"heartbeat","id":${"1".repeat(400)}}`, "invalid_frame"],
  ["an id of 2^53+1", '{"type":"heartbeat","id":9007199254740993}', "invalid_frame"],
  ["an id of minus zero", '{"type":"heartbeat","id":-0}', "invalid_frame"],
  ["an id of 1e999", '{"type":"heartbeat","id":1e999}', "invalid_frame"],
  ["a string of escapes", valued(`"${"\\u0000".repeat(40_000)}"`), "accepted"],
  ["a type that is huge", { type: "x".repeat(500_000), id: 7 }, "unknown_type"],
  ["a message of commas", ",".repeat(1_000_000), "invalid_frame"],
  ["an array of 300,000 numbers", `[${"1,".repeat(300_000)}1]`, "invalid_frame"],
  ["a million quotes", '"'.repeat(1_000_000), "invalid_frame"],
  ["a million backslashes", '"' + "\\".repeat(1_000_000), "invalid_frame"],
  ["quotes and backslashes in a name", `{"${'\\"'.repeat(300_000)}":1}`, "invalid_frame"],
  // Bytes that are no UTF-8
  ["a stray byte in a value", spliced(bytes(0xff)), "invalid_frame"],
  ["a truncated sequence", spliced(bytes(0xf0, 0x9f, 0x9a)), "invalid_frame"],
  ["an overlong sequence", spliced(bytes(0xc0, 0xaf)), "invalid_frame"],
  ["a surrogate in UTF-8", spliced(bytes(0xed, 0xa0, 0x80)), "invalid_frame"],
  ["a replacement character of the client's own", spliced(bytes(0xef, 0xbf, 0xbd)), "accepted"],
  [
    "a replacement character beside a stray byte",
    spliced(bytes(0xef, 0xbf, 0xbd, 0xff)),
    "invalid_frame",
  ],
  ["four good bytes of UTF-8", spliced(bytes(0xf0, 0x9f, 0x9a, 0x95)), "accepted"],
  ["UTF-16", new Uint8Array(new Uint16Array([0xfeff, 0x7b, 0x7d]).buffer), "invalid_frame"],
  // Names
  ["a topic of 10 kB", named("x".repeat(10_000)), "invalid_frame"],
  [
    "a group of 10 kB",
    { type: "join", id: 7, group: "g".repeat(10_000), topics: ["a"] },
    "invalid_frame",
  ],
  ["an object for a topic", named({ toString: "gps" }), "invalid_frame"],
  // Payload
  ["a value of no characters", valued('""'), "accepted"],
  ["1,001 records", published(Array(1_001).fill({ value: 1 })), "batch_too_large"],
  ["100,000 records of nothing", published(Array(100_000).fill({})), "batch_too_large"],
  ["820 kB", published(Array(4).fill({ value: "x".repeat(205_000) })), "batch_too_large"],
  [
    "256 KiB of base64",
    published([{ value: "A".repeat(262_140), encoding: "base64" }]),
    "accepted",
  ],
  [
    "256 KiB of almost base64",
    published([{ value: "A".repeat(262_139) + "_", encoding: "base64" }]),
    "invalid_frame",
  ],
  ["60,000 empty headers", published([{ value: 1, headers: headers(60_000) }]), "record_too_large"],
  // Too many of what a frame may name
  ["10,000 topics", {
    type: "join",
    id: 7,
    group: "g",
    topics: Array.from({ length: 10_000 }, (_, i) => `t${i}`),
  }, "invalid_frame"],
  ["1,025 partitions", {
    type: "subscribe",
    id: 7,
    topic: "a",
    partitions: Array.from({ length: 1_025 }, (_, i) => i),
  }, "invalid_frame"],
];

function manyMembers(count: number): string {
  return Array.from({ length: count }, (_, i) => `"member${i}":0`).join();
}

/** So many that they only just fit one message. */
function shortMembers(count: number): string {
  return Array.from({ length: count }, (_, i) => `"-${i.toString(36)}":0`).join();
}

function headers(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`header${i}`, ""]));
}

for (const [claim, message, expected] of table) {
  Deno.test(`${claim}: ${expected}`, () => assertEquals(outcome(message), expected));
}

Deno.test("names that look alike are told apart, since only one of them is a name", () => {
  for (const topic of ["ｇps", "gp\u0455", "e\u0301", "\u00e9", "\u202egps", "\ud800", "\ufffd"]) {
    assertEquals(outcome(named(topic)), "invalid_frame");
  }
});

Deno.test("names of what every object has are plain names where names are allowed", () => {
  for (const topic of ["constructor", "prototype", "toString", "hasOwnProperty", "valueOf"]) {
    assertEquals(outcome(named(topic)), "accepted");
  }
});

Deno.test("an error's message stays short and on one line, whatever came in", () => {
  for (const type of ["x".repeat(100_000), "\u001b[2J\n\r\u2028", "\ud800", "\u202e", "\u0085"]) {
    const message = decode({ type, id: 7 })[0]?.error?.message ?? "";
    assert(message.length < 300, `${message.length} characters`);
    assert(!/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(message), JSON.stringify(message));
  }
});
