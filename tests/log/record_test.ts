import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ByteWriter } from "../../src/log/bytes.ts";
import { keyToken, RecordCursor, writeRecord } from "../../src/log/record.ts";
import { recordBytes } from "../../src/record_size.ts";
import type { RecordIn } from "../../src/types.ts";

const TIME = 1_700_000_000_000;
const utf8 = new TextEncoder();

/** A record whose value stands within other bytes, as it does in a client's message. */
function recordOf(value: unknown, more: Partial<RecordIn>): RecordIn {
  const json = utf8.encode(JSON.stringify(value));
  const source = new Uint8Array(json.length + 5);
  source.set(json, 3);
  return { source, from: 3, to: 3 + json.length, ...more };
}

const texts = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
const records = fc.tuple(
  fc.jsonValue(),
  fc.record({
    key: texts,
    headers: fc.dictionary(texts, fc.oneof(texts, fc.constant("\ud800 alone")), {
      noNullPrototype: true,
    }),
    timestamp: fc.maxSafeNat(),
    base64: fc.constant(true as const),
  }, { requiredKeys: [] }),
).map(([value, more]) => recordOf(value, more));

function payloadOf(all: readonly RecordIn[]): Uint8Array {
  const writer = new ByteWriter();
  for (const record of all) writeRecord(writer, record, TIME);
  return writer.copy();
}

Deno.test("records are read back as they came, one behind the other", () => {
  fc.assert(fc.property(fc.array(records), (all) => {
    const payload = payloadOf(all);
    const cursor = new RecordCursor(payload, TIME);
    for (const record of all) {
      assertEquals(cursor.next(), true);
      const value = payload.slice(cursor.valueFrom, cursor.valueTo);
      assertEquals(value, record.source.slice(record.from, record.to));
      assertEquals(cursor.hasKey, record.key !== undefined);
      assertEquals(cursor.key(), record.key);
      assertEquals(cursor.hasHeaders, record.headers !== undefined);
      assertEquals(cursor.headers(), record.headers);
      assertEquals(cursor.timestamp, record.timestamp ?? TIME);
      assertEquals(cursor.base64, record.base64 === true);
      assertEquals(cursor.recordBytes(), recordBytes(record));
    }
    assertEquals(cursor.next(), false);
  }));
});

Deno.test("recordBytes counts UTF-8 of key, header names and values, and the value's JSON", () => {
  fc.assert(fc.property(records, (record) => {
    let bytes = record.to - record.from + utf8.encode(record.key ?? "").length;
    for (const [name, value] of Object.entries(record.headers ?? {})) {
      bytes += utf8.encode(name).length + utf8.encode(value).length;
    }
    assertEquals(recordBytes(record), bytes);
  }));
});

Deno.test("a key is stored as the body of its JSON string, so that its bytes can be spliced and compared", () => {
  fc.assert(fc.property(texts, (key) => {
    assertEquals(`"${keyToken(key)}"`, JSON.stringify(key));
    const payload = payloadOf([recordOf(1, { key })]);
    const cursor = new RecordCursor(payload, TIME);
    cursor.next();
    assertEquals(payload.slice(cursor.keyFrom, cursor.keyTo), utf8.encode(keyToken(key)));
    assertEquals(cursor.keyToken(), keyToken(key));
  }));
});

Deno.test("a key keeps the byte order mark that it begins with", () => {
  const cursor = new RecordCursor(payloadOf([recordOf(1, { key: "\ufeffcab" })]), TIME);
  cursor.next();
  assertEquals([cursor.key(), cursor.keyToken()], ["\ufeffcab", "\ufeffcab"]);
});

Deno.test("an empty key is a key, and no headers are not empty headers", () => {
  const cursor = new RecordCursor(
    payloadOf([recordOf(1, { key: "" }), recordOf(1, { headers: {} })]),
    TIME,
  );
  cursor.next();
  assertEquals([cursor.hasKey, cursor.key(), cursor.hasHeaders], [true, "", false]);
  cursor.next();
  assertEquals([cursor.hasKey, cursor.headers()], [false, {}]);
});

Deno.test("a record with a short key costs three bytes beside its own", () => {
  const record = recordOf({ lat: 37.7, lng: -122.4 }, { key: "cab17" });
  assertEquals(payloadOf([record]).length, recordBytes(record) + 3);
});
