import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import {
  decodeMessage,
  errorFrame,
  okFrame,
  publishedFrame,
  pushFrame,
  type Refused,
} from "../../src/protocol/codec.ts";
import { type FrameOf, FRAMES, type FrameType } from "../../src/protocol/frames.ts";
import type { RecordIn } from "../../src/types.ts";
import { decode, FULL } from "./messages.ts";
import { message } from "./spellings.ts";

const types = Object.keys(FRAMES) as FrameType[];

/** What the client can leave unanswered. */
const pushes: readonly FrameType[] = ["heartbeat", "credit", "release", "publish"];

function frameOf<T extends FrameType>(type: T, fields: object): FrameOf<T> {
  const [decoded] = decode({ type, ...fields });
  assertEquals(decoded?.error?.message, undefined);
  return decoded?.frame as FrameOf<T>;
}

/** The records as they would be without their bytes. */
function printed(records: readonly RecordIn[]): unknown[] {
  return records.map(({ source, from, to, base64, ...record }) =>
    present({
      ...record,
      value: JSON.parse(new TextDecoder().decode(source.subarray(from, to))),
      encoding: base64 ? "base64" : undefined,
    })
  );
}

/** Without the members that are not there. */
function present(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

for (const type of types) {
  Deno.test(`a ${type} with all its members is decoded as it was sent`, () => {
    const sent = { type, id: 7, ...FULL[type] };
    const frame = frameOf(type, sent);
    if (frame.type === "publish") {
      assertEquals<unknown>({ ...frame, records: printed(frame.records) }, sent);
    } else if (frame.type === "transact") {
      const publish = frame.publish.map((part) => ({ ...part, records: printed(part.records) }));
      assertEquals<unknown>({ ...frame, publish }, sent);
    } else {
      assertEquals<unknown>(frame, sent);
    }
  });

  Deno.test(`a ${type} without an id is ${pushes.includes(type) ? "taken" : "refused"}`, () => {
    const [decoded] = decode({ type, ...FULL[type] });
    assertEquals(decoded?.error?.code, pushes.includes(type) ? undefined : "invalid_frame");
    assertEquals(decoded?.frame?.id, undefined);
  });

  Deno.test(`a ${type} with a member of any wrong kind is refused by the member's name`, () => {
    const frame = { type, id: 7, ...FULL[type] };
    for (const path of pathsOf(FULL[type])) {
      for (const wrong of [null, true, -1, 0.5, 2 ** 53, "\0\ud800", [], {}, [[]]]) {
        const [decoded] = decode(replaced(frame, path, wrong));
        const field = named(path);
        const where = `${field} = ${JSON.stringify(wrong)}`;
        if (!decoded?.error) {
          assert(isRight(path, wrong), `${where} was accepted`);
          continue;
        }
        assertEquals([decoded.error.code, decoded.id], ["invalid_frame", 7], where);
        assert(decoded.error.message.startsWith(field), `${where}: ${decoded.error.message}`);
      }
    }
  });
}

type Path = readonly (string | number)[];

/** Every member within the frame, the objects and arrays on the way included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([name, member]) =>
    pathsOf(member, [...path, Array.isArray(value) ? Number(name) : name])
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function replaced(value: unknown, [name, ...rest]: Path, by: unknown): unknown {
  if (name === undefined) return by;
  const copy = Array.isArray(value) ? [...value] : { ...value as object };
  Object.assign(copy, { [name]: replaced((value as Path)[name as number], rest, by) });
  return copy;
}

/** How an error names the member: headers are looked at as one. */
function named(path: Path): string {
  const headers = path.indexOf("headers");
  return path.slice(0, headers < 0 ? path.length : headers + 1)
    .map((name) => typeof name === "number" ? `[${name}]` : `.${name}`).join("").slice(1);
}

/** What is no mistake after all. */
function isRight(path: Path, value: unknown): boolean {
  const last = path.at(-1);
  if (value === "\0\ud800") return last === "token" || last === "trace" || path[0] === "client";
  if (Array.isArray(value)) {
    return value.length === 0 && (last === "partitions" || last === "offsets");
  }
  return last === "headers" && value !== null && typeof value === "object";
}

Deno.test("lists that say which ones name each of them once", () => {
  const partitions =
    frameOf("subscribe", { id: 1, topic: "gps", partitions: [2, 1, 2] }).partitions;
  assertEquals(partitions, [2, 1]);
  assertEquals(frameOf("subscribe", { id: 1, topic: "a", keys: ["x", "x"] }).keys, ["x"]);
  assertEquals(frameOf("join", { id: 1, group: "g", topics: ["b", "a", "b"] }).topics, ["b", "a"]);
});

Deno.test("members that no frame has are dropped, and reach nothing", () => {
  const [decoded] = decode(
    '{"type":"commit","id":1,"subscription":2,"offsets":[],"__proto__":{"admin":true},"x":1}',
  );
  assertEquals<unknown>(decoded?.frame, { type: "commit", id: 1, subscription: 2, offsets: [] });
  assertEquals(Object.getPrototypeOf(decoded?.frame), Object.prototype);
});

Deno.test("the records of every frame of a message are spans of the message", () => {
  const bytes = new TextEncoder().encode(JSON.stringify([
    { type: "publish", topic: "a", records: [{ value: 1 }, { value: [2] }] },
    {
      type: "transact",
      id: 5,
      publish: [1, 2].map((n) => ({ topic: "b", records: [{ value: n }] })),
    },
  ]));
  const [publish, transact] = decodeMessage(bytes).map(({ frame }) => frame);
  assert(publish?.type === "publish" && transact?.type === "transact");
  assertEquals(publish.records.every(({ source }) => source === bytes), true);
  assertEquals(printed(publish.records), [{ value: 1 }, { value: [2] }]);
  assertEquals(transact.publish.map((part) => printed(part.records)), [[{ value: 1 }], [{
    value: 2,
  }]]);
});

Deno.test("a record's value that is too deep is refused with its frame's id, and with no other's", () => {
  const producer = { id: "p", epoch: 1, sequence: 4 };
  const frame = (id: number, value: unknown) => ({
    ...{ type: "publish", id, topic: "gps", producer },
    records: [{ value: 1 }, { value }],
  });
  const nested = JSON.parse("[".repeat(100) + "]".repeat(100));
  const [deep, beside] = decode([frame(7, nested), frame(8, 2)]);
  const { id, error, stamps } = deep as Refused;
  assertEquals([id, error.code, stamps], [7, "invalid_frame", [producer]]);
  assertMatch(error.message, /^records\[1\]\.value .*64 brackets/);
  assertEquals(beside?.frame?.id, 8);
});

Deno.test("no message throws, and every refusal is a row of the error table", () => {
  const bytes = fc.oneof(fc.uint8Array(), message.map((text) => new TextEncoder().encode(text)));
  fc.assert(
    fc.property(bytes, (bytes) => {
      const decoded = decodeMessage(bytes);
      assert(decoded.length >= 1 && decoded.length <= 64);
      for (const { error } of decoded) {
        if (error) assertMatch(error.code, /^invalid_frame|unknown_type$/);
      }
    }),
    { numRuns: 2_000 },
  );
});

// What goes out.

Deno.test("okFrame answers a request with its fields", () => {
  assertEquals(okFrame(7), '{"type":"ok","id":7}');
  assertEquals(okFrame(7, { subscription: 1 }), '{"type":"ok","id":7,"subscription":1}');
});

Deno.test("errorFrame says what to do, and leaves out an id that is not known", () => {
  const error = new GatewayError("sequence_gap", "Expected 4, got 6", { expected: 4 });
  const fields = {
    code: "sequence_gap",
    message: "Expected 4, got 6",
    retry: "resend",
    effect: "none",
    expected: 4,
  };
  assertEquals(JSON.parse(errorFrame(7, error)), { type: "error", id: 7, ...fields });
  assertEquals(JSON.parse(errorFrame(undefined, error)), { type: "error", ...fields });
});

Deno.test("pushFrame has no id", () => {
  assertEquals(pushFrame("ping"), '{"type":"ping"}');
  assertEquals(
    pushFrame("drain", { reconnectAfterMs: 5 }),
    '{"type":"drain","reconnectAfterMs":5}',
  );
});

Deno.test("publishedFrame is what okFrame would say", () => {
  const places = fc.array(fc.tuple(fc.nat(1_023), fc.maxSafeNat()), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      places,
      fc.boolean(),
      (id, offsets, again) => {
        const fields = again ? { offsets, duplicate: true } : { offsets };
        assertEquals(publishedFrame(id, offsets, again), okFrame(id, fields));
      },
    ),
  );
});

Deno.test("a broken invariant is not taken for a bad frame", () => {
  const broken = new Proxy(new Uint8Array(1), {
    get: () => {
      throw new RangeError("a bug of ours");
    },
  });
  assertThrows(() => decodeMessage(broken), RangeError);
});
