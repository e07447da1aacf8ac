import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { ADVERTISED, SESSION } from "../../src/limits.ts";
import { isInteger } from "../../src/protocol/fields.ts";
import { ID_MAX, PublishFrame } from "../../src/protocol/frames.ts";
import { readFrames, readMessage } from "../../src/protocol/json.ts";
import { readPublish } from "../../src/protocol/publish.ts";
import { readRecords } from "../../src/protocol/records.ts";
import { FULL } from "./messages.ts";
import { arrayOf, json, named, objectOf, quoted } from "./spellings.ts";

const encoder = new TextEncoder();

type Members = Record<string, unknown>;

/** What is read of the message, or the words in which it is refused. */
function outcome(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return read(bytes);
  } catch (error) {
    assert(error instanceof GatewayError);
    return error.message;
  }
}

/** The publish that the general way makes of these members, which it must accept. */
function general(given: Members, bytes: Uint8Array): PublishFrame {
  const { type, id } = given;
  assertEquals(type, "publish");
  assert(id === undefined || isInteger(id, 1, ID_MAX));
  const { topic, records, producer } = readPublish(given);
  return new PublishFrame(id, topic, readRecords(records, bytes, "records"), producer);
}

/** Holds that the message is read as in the general way; returns how many publishes were usual. */
function compare(bytes: Uint8Array): number {
  const read = outcome(readFrames, bytes);
  const expected = outcome(readMessage, bytes);
  const frames = Array.isArray(read) ? read : [read];
  const given = Array.isArray(expected) ? expected : [expected];
  assertEquals(frames.length, given.length);
  let usual = 0;
  for (const [i, frame] of frames.entries()) {
    if (!(frame instanceof PublishFrame)) assertEquals(frame, given[i]);
    else {
      assertEquals(frame, general(given[i] as Members, bytes));
      usual++;
    }
  }
  return usual;
}

function usualIn(text: string): number {
  return compare(encoder.encode(text));
}

const key = quoted(fc.string({ unit: "binary", maxLength: 5 }));
const whole = fc.constantFrom("0", "7", "1764000000000", "00", "-0", "1.0", "1e2", "9".repeat(16));
const record = objectOf(fc.oneof(
  { weight: 8, arbitrary: named("value", json) },
  { weight: 4, arbitrary: named("key", fc.oneof({ weight: 9, arbitrary: key }, json)) },
  named("partition", whole),
  named("timestamp", whole),
  named("headers", json),
  named("encoding", fc.constantFrom('"base64"', "null")),
  named("more", json),
));
const stamp = objectOf(fc.oneof(
  named("id", fc.constantFrom('"01KB"', '"p"', '""', "5", '"\\u0000"')),
  named("epoch", whole),
  named("sequence", whole),
));
const frame = objectOf(fc.oneof(
  { weight: 4, arbitrary: named("type", fc.constantFrom('"publish"', '"publish"', '"commit"')) },
  { weight: 2, arbitrary: named("topic", fc.constantFrom('"gps"', '"gps"', '"_"', "7")) },
  { weight: 2, arbitrary: named("records", fc.oneof(arrayOf(record), json)) },
  named("id", whole),
  named("producer", fc.oneof(stamp, json)),
  named("more", json),
));
/** With what every publish must have, before or behind the rest. */
const publish = fc.tuple(fc.constantFrom("1", '{"a":[1,"é"]}', "[ ]"), frame, fc.boolean()).map(
  ([value, rest, isFirst]) => {
    const own = `"type":"publish","topic":"gps","records":[{"key":"ü","value":${value}}]`;
    const other = rest.trim().slice(1, -1).trim();
    if (other === "") return `{${own}}`;
    return isFirst ? `{${own},${other}}` : `{${other},${own}}`;
  },
);
const message = fc.oneof(publish, arrayOf(fc.oneof(publish, frame)));

Deno.test("a publish in any spelling is read and refused as in the general way, word for word", () => {
  let usual = 0;
  fc.assert(
    fc.property(message, (text) => {
      usual += usualIn(text);
    }),
    { numRuns: 10_000 },
  );
  assert(usual > 1_000, `only ${usual} were usual`);
});

Deno.test("so is one that was cut or changed", () => {
  const spoiled = fc.tuple(message, fc.nat(), fc.nat(255), fc.nat()).map(
    ([text, at, byte, end]) => {
      const bytes = encoder.encode(text);
      bytes[at % bytes.length] = byte;
      return bytes.subarray(0, end % 3 === 0 ? end % (bytes.length + 1) : bytes.length);
    },
  );
  fc.assert(fc.property(spoiled, (bytes) => void compare(bytes)), { numRuns: 10_000 });
});

const full = {
  type: "publish",
  id: 1,
  ...FULL.publish,
  records: [{ key: "cab-1", value: { lat: 37.7 }, partition: 3, timestamp: 1_211_018_408_000 }],
};

Deno.test("usual is a publish with all members but headers and base64, in any order", () => {
  assertEquals(usualIn(JSON.stringify(full)), 1);
  assertEquals(usualIn(JSON.stringify(Object.fromEntries(Object.entries(full).reverse()))), 1);
  assertEquals(usualIn(JSON.stringify([full, { type: "heartbeat" }, full], null, 2)), 2);
});

Deno.test("what has more members or elements than a message may have is refused alike", () => {
  const records = Array(ADVERTISED.publishRecords).fill({ value: 1 });
  const one = JSON.stringify({ ...full, records });
  const most = Math.floor(SESSION.jsonValues / (2 * records.length));
  assertEquals(usualIn(`[${Array(most - 1).fill(one)}]`), most - 1);
  assertEquals(usualIn(`[${Array(most + 1).fill(one)}]`), 0);
});

Deno.test("what is read again counts once, and its brackets are open once", () => {
  const records = Array(ADVERTISED.publishRecords).fill({ value: 1 });
  const unusual = JSON.stringify({
    ...full,
    records: [...records.slice(1), { value: 1, headers: {} }],
  });
  const several = Math.floor(SESSION.jsonValues / (3 * records.length));
  const bytes = encoder.encode(`[${Array(several).fill(unusual)}]`);
  assertEquals(typeof outcome(readFrames, bytes), "object");
  assertEquals(compare(bytes), 0);
});

Deno.test("what is too large or too deep is left to the general way", () => {
  const { recordBytes, publishBytes, publishRecords } = ADVERTISED;
  const sized = (bytes: number) => ({ value: "x".repeat(bytes - 2) });
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const of = (records: unknown[]) => JSON.stringify({ ...full, records });
  assertEquals(usualIn(of([sized(recordBytes)])), 1);
  assertEquals(usualIn(of([sized(recordBytes + 1)])), 0);
  assertEquals(usualIn(of([sized(recordBytes), sized(publishBytes - recordBytes)])), 1);
  assertEquals(usualIn(of([sized(recordBytes), sized(publishBytes - recordBytes), sized(3)])), 0);
  assertEquals(usualIn(of(Array(publishRecords).fill(sized(3)))), 1);
  assertEquals(usualIn(of(Array(publishRecords + 1).fill(sized(3)))), 0);
  assertEquals(usualIn(of([])), 0);
  const nested = (depth: number) =>
    of([{ value: 1 }]).replace(`"value":1`, `"value":${deep(depth)}`);
  assertEquals(usualIn(nested(SESSION.jsonDepth - 3)), 1);
  assertEquals(usualIn(nested(SESSION.jsonDepth - 2)), 0);
});
