import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AssertionFailed } from "../../src/assert.ts";
import type { DecodedEntry } from "../../src/log/entry.ts";
import {
  advance,
  decodeHead,
  decodeTrim,
  emptyHead,
  emptyTrim,
  encodeHead,
  encodeTrim,
  trimmed,
} from "../../src/log/head.ts";

const pairs = fc.array(fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()), {
  minLength: 1,
  maxLength: 128,
});

function entry(bases: number[], sections: [partition: number, count: number, bytes: number][]) {
  const writeId = new Uint8Array(16).fill(7);
  return {
    writeId,
    time: 1_000,
    bases,
    sections: sections.map(([partition, count, bytes]) => ({
      partition,
      count,
      payload: new Uint8Array(bytes),
    })),
    bytes: 0,
    chunks: 1,
    publishes() {},
  } satisfies DecodedEntry;
}

Deno.test("a head and a begin are read back as they were written", () => {
  const ids = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(fc.property(ids, fc.maxSafeNat(), fc.maxSafeNat(), pairs, (writeId, n, time, held) => {
    const next = held.map(([offset]) => offset);
    const bytes = held.map(([, count]) => count);
    const head = { writeId, entries: n, time, next, bytes };
    assertEquals(decodeHead(encodeHead(head)), head);
    const trim = { entry: n, start: next, bytes };
    assertEquals(decodeTrim(encodeTrim(trim)), trim);
  }));
});

Deno.test("a head or begin of another version is refused", () => {
  for (
    const [decode, value] of [[decodeHead, encodeHead(emptyHead(2))], [
      decodeTrim,
      encodeTrim(emptyTrim(2)),
    ]] as const
  ) {
    const newer = Uint8Array.from(value);
    newer[0] = 200;
    assertThrows(() => decode(newer), AssertionFailed);
  }
});

Deno.test("an entry moves the head on, and trimming it moves the begin by the same", () => {
  const first = entry([0, 0, 0], [[0, 2, 100], [2, 1, 50]]);
  const second = entry([2, 0, 1], [[1, 5, 10], [2, 4, 40]]);
  const head = advance(advance(emptyHead(3), first), second);
  assertEquals(head, {
    writeId: second.writeId,
    entries: 2,
    time: 1_000,
    next: [2, 5, 5],
    bytes: [100, 10, 90],
  });
  const trim = trimmed(trimmed(emptyTrim(3), first), second);
  assertEquals(trim, { entry: 2, start: head.next, bytes: head.bytes });
});

Deno.test("an entry that does not begin where the last one ended is never taken for the next", () => {
  assertThrows(() => advance(emptyHead(1), entry([3], [[0, 1, 10]])), AssertionFailed);
  assertThrows(() => trimmed(emptyTrim(1), entry([3], [[0, 1, 10]])), AssertionFailed);
});
