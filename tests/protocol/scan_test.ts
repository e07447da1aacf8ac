import { assertEquals } from "@std/assert";
import { scan } from "../../src/protocol/scan.ts";
import { texts } from "./spans.ts";

const encoder = new TextEncoder();

/** The texts of the values that the scanner finds in the first frame's `records`. */
function values(text: string): (string | undefined)[] {
  const bytes = encoder.encode(text);
  return texts(bytes, scan(bytes, 64).frames[0]?.records);
}

const found: [claim: string, text: string, values: (string | undefined)[]][] = [
  ["values of every kind", '{"records":[{"value":1},{"value":"a"},{"value":{}},{"value":null}]}', [
    "1",
    '"a"',
    "{}",
    "null",
  ]],
  ["white space around a value is not its own, inside it is", '{"records":[{"value" : [ 1 ] }]}', [
    "[ 1 ]",
  ]],
  ["white space behind a number is not its own", '{"records":[{"value":1.5e3\n}]}', ["1.5e3"]],
  ["brackets and quotes in strings", '{"records":[{"key":"}]\\"","value":"\\\\"}]}', ['"\\\\"']],
  ["a value that looks like records", '{"records":[{"value":{"records":[{"value":1}]}}]}', [
    '{"records":[{"value":1}]}',
  ]],
  ["records inside other members are not records", '{"x":{"records":[{"value":1}]}}', []],
  ["a value beside records is no record's", '{"value":1,"records":[],"value":2}', []],
  ["the last of two values counts", '{"records":[{"value":1,"value":2}]}', ["2"]],
  ["the last of two records counts", '{"records":[{"value":1},{}],"records":[{"value":2}]}', ["2"]],
  ["records that end as something else", '{"records":[{"value":1}],"records":7}', []],
  ["a name spelled with escapes", '{"\\u0072ecords":[{"v\\u0061lue":1}]}', ["1"]],
  ["a name that only looks escaped", '{"records":[{"val\\\\ue":1}]}', [undefined]],
  ["a record without a value keeps its place", '{"records":[{},5,{"value":1}]}', [
    undefined,
    undefined,
    "1",
  ]],
];

for (const [claim, text, expected] of found) {
  Deno.test(`scan finds ${claim}`, () => assertEquals(values(text), expected));
}

Deno.test("scan finds the parts of a transaction and the frames of an array", () => {
  const bytes = encoder.encode(
    '[7,{"publish":[{"records":[{"value":1}]},{},{"records":[{"value":2}]}]},{"records":[{"value":3}]}]',
  );
  const { frames } = scan(bytes, 64);
  assertEquals(frames.length, 3);
  assertEquals(frames[1]?.parts?.map((part) => texts(bytes, part)), [["1"], [], ["2"]]);
  assertEquals(texts(bytes, frames[2]?.records), ["3"]);
});

Deno.test("scan counts brackets over the whole message", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const message = (depth: number) => `[{"records":[{"value":${nested(depth)}}]}]`;
  const tooDeep = (text: string) => scan(encoder.encode(text), 8).tooDeep;
  assertEquals([3, 4, 5].map((depth) => tooDeep(message(depth))), [false, false, true]);
  assertEquals(tooDeep("[".repeat(1_000_000)), true);
  assertEquals(tooDeep('{"a":'.repeat(1_000_000)), true);
  assertEquals(tooDeep(`["${"[".repeat(100)}"]`), false);
  assertEquals(tooDeep("[[],{},[[]]]"), false);
});

Deno.test("members are counted at every depth, and what stands in strings is not", () => {
  const members = (text: string) => scan(encoder.encode(text), 64).members;
  assertEquals(members('{"a":1,"records":[{"value":{"b":{"c":":"}},"key":"x:y"}]}'), 6);
  assertEquals(members('[{"a":[{"b":1},{"c":2}]},{}]'), 3);
  assertEquals(members('{"publish":[{"records":[{"value":7}],"topic":"a:b"}]}'), 4);
  assertEquals(members(`[${'{"a":1},'.repeat(99_999)}{}]`), 99_999);
});
