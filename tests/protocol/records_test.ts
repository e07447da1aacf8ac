import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import * as v from "valibot";
import { GatewayError } from "../../src/errors.ts";
import { ADVERTISED } from "../../src/limits.ts";
import { readMessage } from "../../src/protocol/json.ts";
import { readRecords } from "../../src/protocol/records.ts";
import { recordBytes, utf8Bytes } from "../../src/record_size.ts";
import type { RecordIn } from "../../src/types.ts";

const encoder = new TextEncoder();

/** Reads the records of a message as the codec does. */
function read(text: string): RecordIn[] {
  const bytes = encoder.encode(text);
  const { records } = readMessage(bytes) as { records: unknown[] };
  return readRecords(records, bytes, "records");
}

function readAll(records: readonly unknown[]): RecordIn[] {
  return read(JSON.stringify({ records }));
}

function valueText({ source, from, to }: RecordIn): string {
  return new TextDecoder().decode(source.subarray(from, to));
}

Deno.test("a record's value stays the text that the client sent", () => {
  const values = [
    "1.50",
    "1e999",
    "-0",
    "9007199254740993",
    '"\\ud800"',
    "[ 1,\n2 ]",
    "9".repeat(400),
  ];
  const records = read(`{"records":[${values.map((text) => `{"value": ${text} }`).join()}]}`);
  assertEquals(records.map(valueText), values);
});

Deno.test("what waits of a large message is the values, where they are a small part of it", () => {
  const values = ["1.50", '"x"', "[1]"];
  const records = values.map((text, i) => `{"key":"${i}","value":${text}}`);
  const large = read(`{"records":[${records}],"other":"${"x".repeat(300_000)}"}`);
  assertEquals(large.map(valueText), values);
  assertEquals(large.map(({ key }) => key), ["0", "1", "2"]);
  for (const { source } of large) assertEquals(source.buffer.byteLength, 10);

  const [whole] = readAll([{ value: "x".repeat(100_000) }]);
  assertEquals(whole?.source.length, 100_026);
});

Deno.test("all members of a record are kept, and unknown ones are not", () => {
  const [record] = readAll([{
    key: "cab-1",
    value: "AAEC",
    headers: { trace: "1" },
    partition: 3,
    timestamp: 1_211_018_408_000,
    encoding: "base64",
    offset: 7,
  }]);
  const { source, from, to } = record as RecordIn;
  assertEquals(record, {
    source,
    from,
    to,
    key: "cab-1",
    headers: { trace: "1" },
    partition: 3,
    timestamp: 1_211_018_408_000,
    base64: true,
  });
});

Deno.test("a header named __proto__ is a header, and changes nothing else", () => {
  const [record] = read('{"records":[{"value":1,"headers":{"__proto__":"x","constructor":"y"}}]}');
  assertEquals(Object.entries(record?.headers ?? {}), [["__proto__", "x"], ["constructor", "y"]]);
  assertEquals(JSON.stringify(record?.headers), '{"__proto__":"x","constructor":"y"}');
  assertEquals(Object.getPrototypeOf(record?.headers), Object.prototype);
  assertEquals(recordBytes(record as RecordIn), 1 + 9 + 1 + 11 + 1);
});

Deno.test("recordBytes counts the UTF-8 of key, header names, header values and the value's JSON", () => {
  const [record] = read('{"records":[{"key":"\\u00fc","value": [1, 2] ,"headers":{"é":"🚕"}}]}');
  assertEquals(recordBytes(record as RecordIn), 2 + 6 + 2 + 4);
});

Deno.test("utf8Bytes says what an encoder makes of any string", () => {
  const unit = fc.oneof(
    fc.constantFrom("a", "\x7f", "\x80", "\u07ff", "\u0800", "\uffff", "\ud800", "\udfff", "🚕"),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  fc.assert(fc.property(fc.string({ unit }), (text) => {
    assertEquals(utf8Bytes(text), encoder.encode(text).length);
  }));
});

// Limits: the largest that is taken, and one more.

const { recordBytes: recordMax, publishBytes, publishRecords } = ADVERTISED;

/** A value whose JSON has so many bytes. */
const sized = (bytes: number) => ({ value: "x".repeat(bytes - 2) });

const taken: [claim: string, records: unknown[]][] = [
  ["one record of one byte", [{ value: 1 }]],
  ["a record of 48 KiB", [sized(48 * 1024)]],
  ["a record of 64 KiB, which is more than a value of the store takes", [sized(65_536)]],
  ["the largest record", [sized(recordMax)]],
  ["the largest record, by key and headers too", [{
    ...sized(recordMax - 6),
    key: "ab",
    headers: { c: "def" },
  }]],
  ["the most records", Array(publishRecords).fill({ value: null })],
  ["the most bytes", [sized(recordMax), sized(publishBytes - recordMax)]],
];

for (const [claim, records] of taken) {
  Deno.test(`a publish may have ${claim}`, () => {
    assertEquals(readAll(records).length, records.length);
  });
}

const refused: [claim: string, records: unknown[], code: string, names: string][] = [
  ["no record", [], "invalid_frame", "records"],
  ["a byte too many in a record", [{ value: 1 }, sized(recordMax + 1)], "record_too_large", "[1]"],
  ["a byte too many in a key", [{ ...sized(recordMax), key: "a" }], "record_too_large", "[0]"],
  [
    "a byte too many in a header's name",
    [{ ...sized(recordMax), headers: { a: "" } }],
    "record_too_large",
    "[0]",
  ],
  [
    "a byte too many in a header's value",
    [{ ...sized(recordMax), headers: { "": "a" } }],
    "record_too_large",
    "[0]",
  ],
  [
    "a byte too many altogether",
    [sized(recordMax), sized(publishBytes - recordMax), { value: 1 }],
    "batch_too_large",
    "records",
  ],
  ["820 kB", Array(200).fill(sized(4_100)), "batch_too_large", "records"],
  [
    "a record too many",
    Array(publishRecords + 1).fill({ value: null }),
    "batch_too_large",
    `${publishRecords}`,
  ],
];

for (const [claim, records, code, names] of refused) {
  Deno.test(`a publish must not have ${claim}`, () => {
    assertEquals(assertThrows(() => readAll(records), GatewayError, names).code, code);
  });
}

// The check is written out for speed; the schema says what it must come to.

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.check((n) => !Object.is(n, -0)));
const text = v.pipe(v.string(), v.check((text) => text.isWellFormed()));
const plain = v.custom<Record<string, unknown>>((given) => {
  return typeof given === "object" && given !== null && !Array.isArray(given);
});
const schema = v.pipe(
  plain,
  v.check((given) => Object.hasOwn(given, "value")),
  v.object({
    key: v.exactOptional(text),
    value: v.unknown(),
    headers: v.exactOptional(
      v.pipe(plain, v.check((given) => Object.values(given).every((it) => typeof it === "string"))),
    ),
    partition: v.exactOptional(whole),
    timestamp: v.exactOptional(whole),
    encoding: v.exactOptional(v.literal("base64")),
  }),
  v.check(({ encoding, value }) => {
    return encoding === undefined ||
      v.is(v.union([v.literal(""), v.pipe(v.string(), v.base64())]), value);
  }),
);

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    -0,
    -1,
    1.5,
    2 ** 53 - 1,
    2 ** 53,
    null,
    true,
    "",
    "base64",
    "\ud800",
  ),
  fc.constantFrom<unknown>([], {}, ["a"], { a: "b" }, { a: 1 }, { __proto__: null, b: "c" }),
);
const nearly = <T>(right: fc.Arbitrary<T>) => fc.oneof({ weight: 5, arbitrary: right }, anything);
const record = fc.record({
  key: nearly(fc.string({ unit: "binary" })),
  value: nearly(fc.oneof(
    fc.jsonValue(),
    fc.base64String(),
    fc.string({ unit: fc.constantFrom("A", "+", "/", "=", "-", "é"), maxLength: 8 }),
  )),
  headers: nearly(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }))),
  partition: nearly(fc.nat()),
  timestamp: nearly(fc.maxSafeNat()),
  encoding: nearly(fc.constant("base64")),
  other: anything,
}, { requiredKeys: [] });

/** Minus zero is lost by `JSON.stringify`, which is what sends it here as a member of a record. */
function printed(records: readonly unknown[]): string {
  const text = JSON.stringify(
    { records },
    (_, value) => Object.is(value, -0) ? "<minus zero>" : value,
  );
  return text.replaceAll('"<minus zero>"', "-0");
}

Deno.test("records are taken exactly if the schema takes them", () => {
  fc.assert(
    fc.property(fc.array(nearly(record), { minLength: 1, maxLength: 3 }), (records) => {
      const text = printed(records);
      const given: unknown[] = JSON.parse(text).records;
      if (given.every((record) => v.is(schema, record))) {
        const values = read(text).map((record) => JSON.parse(valueText(record)));
        assertEquals(values, given.map((record) => (record as { value: unknown }).value));
      } else {
        const error = assertThrows(() => read(text), GatewayError, "records[");
        assertEquals(error.code, "invalid_frame");
      }
    }),
    { numRuns: 3_000 },
  );
});
