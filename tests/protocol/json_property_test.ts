import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isObject } from "../../src/protocol/fields.ts";
import { GatewayError } from "../../src/errors.ts";
import { type FrameSpans, readJson, type ValueSpans } from "../../src/protocol/json.ts";
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

/** What the reader makes of a document: null stands for the values of records. */
function withoutValues(given: unknown): unknown {
  return Array.isArray(given) ? given.map(frameWithoutValues) : frameWithoutValues(given);
}

function frameWithoutValues(frame: unknown): unknown {
  return changed(frame, {
    records: (records) => mapped(records, (record) => changed(record, { value: () => null })),
    publish: (parts) => mapped(parts, frameWithoutValues),
  });
}

function mapped(given: unknown, change: (element: unknown) => unknown): unknown {
  return Array.isArray(given) ? given.map(change) : given;
}

function changed(given: unknown, changes: Record<string, (value: unknown) => unknown>): unknown {
  if (!isObject(given)) return given;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      Object.hasOwn(changes, name) ? changes[name]!(value) : value,
    ]),
  );
}

Deno.test("it makes of every message what the platform's parser makes, and finds its values", () => {
  fc.assert(
    fc.property(message, (text) => {
      const bytes = encoder.encode(text);
      const parsed: unknown = JSON.parse(text);
      const { value, spans } = readJson(bytes);
      assertEquals(value, withoutValues(parsed));
      const given = Array.isArray(parsed) ? parsed : [parsed];
      assertEquals(spans.length, given.length);
      for (const [i, frame] of given.entries()) assertFrameAgrees(bytes, frame, spans[i]);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("it reads every JSON value as the platform's parser does, numbers to the last bit", () => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.bigInt());
  const spelled = fc.oneof(
    fc.jsonValue({ maxDepth: 9, stringUnit: "binary" }).map((value) => JSON.stringify(value)),
    number.filter((value) => Number.isFinite(Number(value))).map(String),
    fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: -330, max: 330 })).map(([a, b, e]) =>
      `${a}.${b}e${e}`
    ),
  );
  fc.assert(
    fc.property(spelled, (text) => {
      assertEquals(readJson(encoder.encode(`{"x":${text}}`)).value, JSON.parse(`{"x":${text}}`));
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("of any bytes, and any message that was cut or changed, it takes what the parser takes", () => {
  const soup = fc.string({
    unit: fc.constantFrom(...'[]{}",:\\ \n01eu-.', '"value":', '"records":[', '{"publish":[{'),
    maxLength: 60,
  }).map((text) => encoder.encode(text));
  const spoiled = fc.tuple(message, fc.nat(), fc.nat(255), fc.nat()).map(
    ([text, at, byte, end]) => {
      const bytes = encoder.encode(text);
      bytes[at % (bytes.length || 1)] = byte;
      return bytes.subarray(0, end % 3 === 0 ? end % (bytes.length + 1) : bytes.length);
    },
  );
  const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
  const outcome = (read: () => unknown): unknown => {
    try {
      return [read()];
    } catch (error) {
      assert(
        error instanceof GatewayError || error instanceof SyntaxError || error instanceof TypeError,
      );
      return "refused";
    }
  };
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), soup, spoiled), (bytes) => {
      assertEquals(
        outcome(() => readJson(bytes).value),
        outcome(() => withoutValues(JSON.parse(strict.decode(bytes)))),
      );
    }),
    { numRuns: 10_000 },
  );
});
