import { assertEquals, assertThrows } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import { SESSION } from "../../src/limits.ts";
import { readMessage } from "../../src/protocol/json.ts";
import type { Span } from "../../src/protocol/json_reader.ts";
import { spelledOut } from "./spans.ts";

const encoder = new TextEncoder();

const found: [claim: string, text: string, read: unknown][] = [
  ["values of every kind", '{"records":[{"value":1},{"value":"a"},{"value":{}},{"value":null}]}', {
    records: [{ value: "1" }, { value: '"a"' }, { value: "{}" }, { value: "null" }],
  }],
  ["white space around a value is not its own, inside it is", '{"records":[{"value" : [ 1 ] }]}', {
    records: [{ value: "[ 1 ]" }],
  }],
  ["white space behind a number is not its own", '{"records":[{"value":1.5e3\n}]}', {
    records: [{ value: "1.5e3" }],
  }],
  ["brackets and quotes in strings", '{"records":[{"key":"}]\\"","value":"\\\\"}]}', {
    records: [{ key: '}]"', value: '"\\\\"' }],
  }],
  ["a value that looks like records", '{"records":[{"value":{"records":[{"value":1}]}}]}', {
    records: [{ value: '{"records":[{"value":1}]}' }],
  }],
  ["records inside other members are not records", '{"x":{"records":[{"value":1}]}}', {
    x: { records: [{ value: 1 }] },
  }],
  ["a value beside records is no record's", '{"value":1,"records":[]}', { value: 1, records: [] }],
  ["the last of two values counts", '{"records":[{"value":1,"value":2}]}', {
    records: [{ value: "2" }],
  }],
  ["the last of two records counts", '{"records":[{"value":1},{}],"records":[{"value":2}]}', {
    records: [{ value: "2" }],
  }],
  ["records that end as something else", '{"records":[{"value":1}],"records":7}', { records: 7 }],
  ["a name spelled with escapes", '{"\\u0072ecords":[{"v\\u0061lue":1}]}', {
    records: [{ value: "1" }],
  }],
  ["a name that only looks escaped", '{"records":[{"val\\\\ue":1}]}', {
    records: [{ "val\\ue": 1 }],
  }],
  ["a record without a value keeps its place", '{"records":[{},5,{"value":1}]}', {
    records: [{}, 5, { value: "1" }],
  }],
  ["the parts of a transaction", '{"publish":[{"records":[{"value":1}]},{},7],"value":1}', {
    publish: [{ records: [{ value: "1" }] }, {}, 7],
    value: 1,
  }],
  [
    "the frames of an array, which is not in another",
    '[7,{"records":[{"value":3}]},[{"records":[]}]]',
    [
      7,
      { records: [{ value: "3" }] },
      [{ records: [] }],
    ],
  ],
];

for (const [claim, text, expected] of found) {
  Deno.test(`found are ${claim}`, () => {
    const bytes = encoder.encode(text);
    assertEquals(spelledOut(bytes, readMessage(bytes)), expected);
  });
}

Deno.test("texts that are alike in length and hash are told apart, and so are those that are kept", () => {
  const texts = Array.from({ length: 50_000 }, (_, i) => `key ${i * 7_919}`);
  for (let round = 0; round < 2; round++) {
    for (const text of texts) {
      assertEquals(readMessage(encoder.encode(JSON.stringify([text]))), [text]);
    }
  }
});

/** Why the text is refused; undefined if it is not. */
function refusalOf(text: string | Uint8Array): string | undefined {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  try {
    readMessage(bytes);
    return undefined;
  } catch (error) {
    assertEquals((error as GatewayError).code, "invalid_frame");
    return (error as GatewayError).message;
  }
}

const tooDeep = `JSON must not have more than ${SESSION.jsonDepth} brackets open at a time`;
const tooMany = `JSON must not have more than ${SESSION.jsonValues} members and elements`;
const noJson = "This is not one JSON document in UTF-8";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

Deno.test("brackets are counted over the whole message, and not in strings", () => {
  const message = (depth: number) => `[{"records":[{"x":${nested(depth)}}]}]`;
  const rest = SESSION.jsonDepth - 4;
  const refusals = [rest - 1, rest, rest + 1].map((depth) => refusalOf(message(depth)));
  assertEquals(refusals, [undefined, undefined, tooDeep]);
  assertEquals(refusalOf("[".repeat(1_000_000)), tooDeep);
  assertEquals(refusalOf('{"a":'.repeat(1_000_000)), tooDeep);
  assertEquals(refusalOf(`["${"[".repeat(100)}"]`), undefined);
  assertEquals(refusalOf(`[${"[],{},".repeat(100)}[]]`), undefined);
});

Deno.test("a value that is too deep says so, and spoils nothing beside it", () => {
  const rest = SESSION.jsonDepth - 3;
  for (const depth of [rest, rest + 1, 400_000]) {
    const text = `{"records":[{"value":${nested(depth)}},{"value":[1]}],"x":${nested(rest)}}`;
    const { records } = readMessage(encoder.encode(text)) as { records: { value: Span }[] };
    assertEquals(records.map(({ value }) => value.isTooDeep), [depth > rest, false]);
  }
});

Deno.test("members and elements are counted at every depth, but for what only is kept", () => {
  const most = SESSION.jsonValues;
  const objects = (count: number) => Array(count).fill('{"a":1}').join();
  assertEquals(refusalOf(`[${objects(most / 2)}]`), undefined);
  assertEquals(refusalOf(`[${objects(most / 2)},1]`), tooMany);
  assertEquals(refusalOf(`{"x":[${Array(most - 1).fill("[]").join()}]}`), undefined);
  assertEquals(refusalOf(`{"x":[${Array(most).fill("[]").join()}]}`), tooMany);
  assertEquals(refusalOf(`{"records":[{"value":[${objects(most)}]}]}`), undefined);
});

Deno.test("what is not one document is refused, in a value as elsewhere", () => {
  const wrong = [
    ...[
      "",
      " ",
      "tru",
      "truex",
      "nul",
      "undefined",
      "NaN",
      "Infinity",
      "'a'",
      "//",
      "01",
      "-",
      "+1",
    ],
    ...["1.", ".5", "1e", "1e+", "0x1", "1_0", "[1,]", "[,1]", "[1 2]", "{,}", '{"a":1,}', '{"a"}'],
    ...[
      '{"a":}',
      "{a:1}",
      '{"a" 1}',
      "{1:2}",
      "[1}",
      '{"a":1]',
      "[",
      "{",
      '"',
      '"a',
      '"\\"',
      '"\\x"',
    ],
    ...[
      '"\\u12"',
      '"\\u12g4"',
      '"\n"',
      '"\t"',
      '"\u0000"',
      "1 2",
      "{}{}",
      "[]]",
      "\ufeff1",
      "\u00a01",
    ],
  ];
  for (const text of wrong) {
    assertEquals(refusalOf(text), noJson, text);
    assertEquals(refusalOf(`{"records":[{"value":${text}}]}`), noJson, text);
    assertThrows(() => JSON.parse(text), SyntaxError);
  }
});

Deno.test("what is no UTF-8 is refused wherever it stands", () => {
  const bad = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
  for (const bytes of bad) {
    for (const text of ['{"x":"#"}', '{"#":1}', '{"records":[{"value":"#"}]}', '"#\\n"', "#"]) {
      const [before = "", after = ""] = text.split("#");
      const whole = [...encoder.encode(before), ...bytes, ...encoder.encode(after)];
      assertEquals(refusalOf(Uint8Array.from(whole)), noJson, text);
    }
  }
});
