import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isObject } from "../../src/protocol/fields.ts";
import { type FrameSpans, scan, type ValueSpans } from "../../src/protocol/scan.ts";
import { texts } from "./spans.ts";
import { message } from "./spellings.ts";

const encoder = new TextEncoder();

/** The spans of the records must hold what the parser made of their values, no more and no less. */
function assertAgrees(bytes: Uint8Array, given: unknown, spans: ValueSpans = []): void {
  if (!Array.isArray(given)) return;
  const found = texts(bytes, spans);
  assertEquals(found.length, given.length);
  for (const [i, record] of given.entries()) {
    const value = isObject(record) && Object.hasOwn(record, "value") ? record : undefined;
    assertEquals(found[i] === undefined, value === undefined);
    if (!value) continue;
    const text = found[i] as string;
    assertEquals(JSON.parse(text), value.value);
    assertEquals(text, text.trim());
  }
}

function assertFrameAgrees(bytes: Uint8Array, frame: unknown, spans: FrameSpans | undefined): void {
  if (!isObject(frame)) return;
  assertAgrees(bytes, frame.records, spans?.records);
  if (!Array.isArray(frame.publish)) return;
  assertEquals(spans?.parts?.length, frame.publish.length);
  for (const [i, part] of frame.publish.entries()) {
    if (isObject(part)) assertAgrees(bytes, part.records, spans?.parts?.[i]);
  }
}

Deno.test("scan agrees with the parser on every value of every message", () => {
  fc.assert(
    fc.property(message, (text) => {
      const bytes = encoder.encode(text);
      const parsed: unknown = JSON.parse(text);
      const { frames, tooDeep } = scan(bytes, 64);
      assert(!tooDeep);
      const given = Array.isArray(parsed) ? parsed : [parsed];
      assertEquals(frames.length, given.length);
      for (const [i, frame] of given.entries()) assertFrameAgrees(bytes, frame, frames[i]);
    }),
    { numRuns: 5_000 },
  );
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

Deno.test("scan finds a message too deep exactly if the parser goes deeper", () => {
  // Of members with one name the parser keeps the last, so a depth may be lost with the others.
  const unique = fc.jsonValue({ maxDepth: 9 });
  fc.assert(
    fc.property(unique, fc.integer({ min: 0, max: 9 }), (value, depthMax) => {
      const bytes = encoder.encode(JSON.stringify(value));
      assertEquals(scan(bytes, depthMax).tooDeep, depthOf(value) > depthMax);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("scan takes any bytes, and any message that was cut or changed, without an error", () => {
  const soup = fc.string({
    unit: fc.constantFrom(...'[]{}",:\\ \n01eu', '"value":', '"records":[', '{"publish":[{'),
    maxLength: 60,
  }).map((text) => encoder.encode(text));
  const spoiled = fc.tuple(message, fc.nat(), fc.nat(255), fc.nat()).map(
    ([text, at, byte, end]) => {
      const bytes = encoder.encode(text);
      bytes[at % (bytes.length || 1)] = byte;
      return bytes.subarray(0, end % (bytes.length + 1));
    },
  );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), soup, spoiled), (bytes) => {
      scan(bytes, 8);
    }),
    { numRuns: 3_000 },
  );
});
