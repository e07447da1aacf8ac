import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/log/bytes.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1); // so that it must grow
  write(writer);
  return writer.copy();
}

Deno.test("digits are those that the platform prints", () => {
  const edges = [0, 1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 10 ** 15, 10 ** 15 - 1, 2 ** 53 - 1];
  const powers = fc.nat(15).chain((power) => fc.nat(10 ** power));
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges), powers, fc.maxSafeNat()), (value) => {
      const bytes = written((writer) => writer.digits(value));
      assertEquals(new TextDecoder().decode(bytes), String(value));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a varint takes seven bits a byte and holds every integer up to 2^53-1", () => {
  const table: [number, number][] = [
    [0, 1],
    [127, 1],
    [128, 2],
    [2 ** 31 - 1, 5],
    [2 ** 31, 5],
    [2 ** 32, 5],
    [2 ** 35, 6],
    [Number.MAX_SAFE_INTEGER, 8],
  ];
  for (const [value, length] of table) {
    const bytes = written((writer) => writer.varint(value));
    assertEquals(bytes.length, length, `length of ${value}`);
    assertEquals(new ByteReader(bytes).varint(), value);
  }
});

Deno.test("what is written one behind the other is read back in its order", () => {
  const timestamps = fc.integer({ min: -(2 ** 52), max: Number.MAX_SAFE_INTEGER });
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.maxSafeNat(), timestamps, fc.uint8Array({ maxLength: 200 }))),
    (rows) => {
      const bytes = written((writer) => {
        for (const [whole, signed, raw] of rows) {
          writer.varint(whole);
          writer.zigzag(signed);
          writer.u8(raw.length);
          writer.raw(raw);
        }
      });
      const reader = new ByteReader(bytes);
      for (const [whole, signed, raw] of rows) {
        assertEquals(reader.varint(), whole);
        assertEquals(reader.zigzag(), signed);
        assertEquals(reader.view(reader.u8()), raw);
      }
      assertEquals(reader.done, true);
    },
  ));
});

Deno.test("a span is copied, be it short or long", () => {
  const source = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
  for (const [from, to] of [[0, 0], [3, 20], [0, 64], [1, 66], [0, 300]] as const) {
    assertEquals(written((writer) => writer.span(source, from, to)), source.slice(from, to));
  }
});

Deno.test("a text is written as UTF-8 behind its length", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const bytes = written((writer) => writer.string(text));
    const reader = new ByteReader(bytes);
    assertEquals(reader.view(reader.varint()), new TextEncoder().encode(text));
    assertEquals(reader.done, true);
    assertEquals(new ByteReader(bytes).string(), text);
  }));
});

Deno.test("a text keeps the byte order mark that it begins with", () => {
  const bytes = written((writer) => writer.string("\ufeffcab"));
  assertEquals(new ByteReader(bytes).string(), "\ufeffcab");
});

Deno.test("a writer that is reset writes the same again, and does not keep a large buffer", () => {
  const writer = new ByteWriter();
  writer.raw(new Uint8Array(1_000_000));
  writer.reset();
  assertEquals(writer.bytes.length < 100_000, true);
  writer.varint(300);
  assertEquals(writer.copy(), written((other) => other.varint(300)));
});
