import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { PlainFrames } from "../../src/server/plain_frames.ts";

interface Sent {
  readonly first: number;
  readonly payload: Buffer;
  readonly mask: Uint8Array | undefined;
}

const WHOLE_TEXT = 0x81;

function encoded({ first, payload, mask }: Sent): Buffer {
  const { length } = payload;
  const bit = mask ? 0x80 : 0;
  const header = length < 126
    ? Buffer.from([first, bit | length])
    : length < 65_536
    ? Buffer.from([first, bit | 126, length >> 8, length & 255])
    : Buffer.from([first, bit | 127, 0, 0, 0, 0, 0, length >> 16, length >> 8 & 255, length & 255]);
  const masked = payload.map((octet, i) => octet ^ (mask?.[i & 3] ?? 0));
  return Buffer.concat([header, mask ?? Buffer.alloc(0), masked]);
}

/** Whether `npm:ws` need not see it. */
function isPlain({ first, payload, mask }: Sent): boolean {
  const isText = payload.equals(Buffer.from(payload.toString()));
  return first === WHOLE_TEXT && mask !== undefined && payload.length < 65_536 && isText;
}

/** What is received of these chunks as messages, and what `npm:ws` gets. */
function taken(chunks: readonly Uint8Array[]): { messages: string[]; rest: Buffer } {
  const socket = new PassThrough();
  const rest: Buffer[] = [];
  socket.on("data", (chunk) => rest.push(Buffer.from(chunk)));
  const messages: string[] = [];
  PlainFrames.read(socket, (message) => messages.push(Buffer.from(message).toString()));
  for (const chunk of chunks) socket.emit("data", Buffer.from(chunk));
  return { messages, rest: Buffer.concat(rest) };
}

const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: "grapheme", maxLength: 150 }) },
  fc.constantFrom(0, 125, 126, 65_535, 65_536).map((length) => "x".repeat(length)),
).map((text) => Buffer.from(text));
const plain = fc.record({ first: fc.constant(WHOLE_TEXT), payload: text, mask: octets });
const other = fc.record({
  first: fc.constantFrom(0x01, 0x80, 0x82, 0x88, 0x89, 0xc1, WHOLE_TEXT),
  payload: fc.oneof(
    text,
    fc.constantFrom("ff", "c080", "eda080").map((hex) => Buffer.from(hex, "hex")),
  ),
  mask: fc.option(octets, { nil: undefined }),
});
const frames: fc.Arbitrary<Sent[]> = fc.array(
  fc.oneof({ weight: 9, arbitrary: plain }, { weight: 1, arbitrary: other }),
  { maxLength: 12 },
);

/** Where the first frames end, none of them included. */
function endsOf(sent: readonly Sent[]): number[] {
  const ends = [0];
  for (const frame of sent) ends.push((ends.at(-1) ?? 0) + encoded(frame).length);
  return ends;
}

Deno.test("the plain frames in front are received, and the rest is passed on as it came", () => {
  fc.assert(
    fc.property(frames, (sent) => {
      const all = Buffer.concat(sent.map(encoded));
      const { messages, rest } = taken([all]);
      const found = sent.findIndex((frame) => !isPlain(frame));
      const own = found < 0 ? sent.length : found;
      assertEquals(messages, sent.slice(0, own).map(({ payload }) => payload.toString()));
      assert(rest.equals(all.subarray(endsOf(sent)[own])));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("so they are however the bytes are cut; what is cut too often is passed on, too", () => {
  const cuts = fc.array(fc.nat(3_000), { maxLength: 60 });
  fc.assert(
    fc.property(frames, cuts, (sent, cuts) => {
      const all = Buffer.concat(sent.map(encoded));
      const at = [
        0,
        ...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b),
        all.length,
      ];
      const chunks = at.slice(1).map((to, i) => all.subarray(at[i], to)).filter(({ length }) =>
        length
      );
      const { messages, rest } = taken(chunks);
      const own = messages.length;
      assert(sent.slice(0, own).every(isPlain));
      assertEquals(messages, sent.slice(0, own).map(({ payload }) => payload.toString()));
      const from = endsOf(sent)[own];
      if (rest.length > 0) assert(rest.equals(all.subarray(from)));
      // What waits for its rest has not all come.
      else assertEquals(own, sent.length);
    }),
    { numRuns: 1_000 },
  );
});

/** The frames, of 308 octets each, in chunks of a size. */
function inChunks(frames: number, size: number): Uint8Array[] {
  const payload = Buffer.from("x".repeat(300));
  const frame = encoded({ first: WHOLE_TEXT, payload, mask: Buffer.from([1, 2, 3, 4]) });
  const all = Buffer.concat(Array(frames).fill(frame));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += size) chunks.push(all.subarray(at, at + size));
  return chunks;
}

Deno.test("frames that come in a few pieces each are all received, and none octet by octet", () => {
  for (const size of [25, 100, 301, 1_000, 4_096]) {
    const { messages, rest } = taken(inChunks(40, size));
    assertEquals([messages.length, rest.length], [40, 0], `in chunks of ${size}`);
  }
  const { messages, rest } = taken(inChunks(40, 1));
  assertEquals([messages.length, rest.length], [0, 40 * 308]);
});

Deno.test("once another frame has come, the listener has its place again, in front of later ones", () => {
  const socket = new PassThrough();
  const calls: string[] = [];
  const ws = () => calls.push("ws");
  socket.on("data", ws);
  PlainFrames.read(socket, () => calls.push("message"));
  socket.on("data", () => calls.push("later"));
  const ping = encoded({ first: 0x89, payload: Buffer.alloc(0), mask: Buffer.alloc(4) });
  socket.emit("data", ping);
  socket.emit("data", ping);
  assertEquals(calls, ["ws", "later", "ws", "later"]);
  socket.off("data", ws);
  socket.emit("data", ping);
  assertEquals(calls.slice(4), ["later"]);
});
