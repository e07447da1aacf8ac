import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { readMessage } from "../../src/protocol/json.ts";
import { made } from "./spans.ts";
import { message } from "./spellings.ts";

const encoder = new TextEncoder();

/** What is read, with the values that spans stand for. */
function read(bytes: Uint8Array): unknown {
  return made(bytes, readMessage(bytes));
}

Deno.test("it makes of every message what the platform's parser makes, and finds its values", () => {
  fc.assert(
    fc.property(message, (text) => {
      assertEquals(read(encoder.encode(text)), JSON.parse(text));
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
      assertEquals(read(encoder.encode(`{"x":${text}}`)), JSON.parse(`{"x":${text}}`));
    }),
    { numRuns: 3_000 },
  );
});

const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

function outcome(read: () => unknown): unknown {
  try {
    return [read()];
  } catch (error) {
    assert(
      error instanceof GatewayError || error instanceof SyntaxError || error instanceof TypeError,
    );
    return "refused";
  }
}

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
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), soup, spoiled), (bytes) => {
      assertEquals(
        outcome(() => read(bytes)),
        outcome(() => JSON.parse(strict.decode(bytes))),
      );
    }),
    { numRuns: 10_000 },
  );
});

Deno.test("of a value that is as deep as it likes, and was changed, it takes what the parser takes", () => {
  const levels = fc.array(fc.constantFrom("[", '{"a":', '[{},"]",', '{"}":[],"b":'), {
    maxLength: 150,
    size: "max",
  });
  const deep = fc.tuple(levels, fc.constantFrom("1", '"\\\\"', "[]", "{}", "")).map(
    ([levels, innermost]) => {
      const ends = levels.map((level) => level.startsWith("[") ? "]" : "}").reverse();
      return [...levels, innermost, ...ends].join("");
    },
  );
  const changed = fc.tuple(deep, fc.nat(), fc.constantFrom(...'[]{}",:1a', "")).map(
    ([text, at, instead]) => {
      const place = at % (2 * text.length); // half of them stay as they are
      return place >= text.length ? text : text.slice(0, place) + instead + text.slice(place + 1);
    },
  );
  fc.assert(
    fc.property(changed, (value) => {
      const text = `{"records":[{"value":${value}},{"value":1}]}`;
      assertEquals(outcome(() => read(encoder.encode(text))), outcome(() => JSON.parse(text)));
    }),
    { numRuns: 2_000 },
  );
});
