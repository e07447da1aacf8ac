import { assert, assertEquals } from "@std/assert";
import { encodedOf } from "../../src/fanout/encoded_cache.ts";
import { FRAMES } from "../../src/fanout/frames.ts";
import { ByteWriter } from "../../src/log/bytes.ts";
import { writeRecord } from "../../src/log/record.ts";
import type { Section } from "../../src/log/section.ts";

const topic = { id: "01JAAAAAAAAAAAAAAAAAAAAAAA", name: "gps", partitions: 1 };

function section(base: number, value: string): Section {
  const writer = new ByteWriter();
  const source = new TextEncoder().encode(JSON.stringify(value));
  writeRecord(writer, { source, from: 0, to: source.length }, 0);
  return { topic, partition: 0, entry: 0, base, next: base + 1, time: 0, payload: writer.copy() };
}

/** The frame of all of it: the same object for as long as it is kept. */
function frame(one: Section, subscription: number): string | Uint8Array {
  const pieces = [{ section: one, from: 0, to: 1 }];
  return FRAMES.records({
    subscription,
    topic,
    partition: 0,
    pieces,
    next: one.next,
    bytes: 1,
  });
}

Deno.test("of small sections as many texts are kept as there is memory for, not as have few bytes", () => {
  const first = section(0, "x");
  const kept = encodedOf(first);
  assertEquals(encodedOf(first), kept);
  for (let base = 1; base < 20_000; base++) encodedOf(section(base, "x"));
  assert(encodedOf(first) !== kept, "20,000 texts with their objects take more than there is");
});

Deno.test("frames of a section count with its text, and are made again when it was given up", () => {
  const value = "x".repeat(100_000);
  const first = section(0, value);
  const made = frame(first, 1);
  assert(frame(first, 1) === made, "made once");
  for (let base = 1; base < 80; base++) encodedOf(section(base, value));
  assert(frame(first, 1) === made, "80 texts of 100 kB are kept");
  for (let base = 100; base < 140; base++) {
    const one = section(base, value);
    for (let subscription = 1; subscription <= 4; subscription++) frame(one, subscription);
  }
  assert(frame(first, 1) !== made, "40 with four frames each leave no room for older ones");
});

Deno.test("each record is told with its own timestamp, whatever those before it have", () => {
  const time = 1_764_000_000_000;
  const timestamps = [undefined, time + 5, time + 5, undefined, 0, time, time - 1, undefined];
  const writer = new ByteWriter();
  for (const [i, timestamp] of timestamps.entries()) {
    const source = new TextEncoder().encode(`{"value":"${"x".repeat(i * 3_000)}"}`);
    const record = { source, from: 0, to: source.length };
    writeRecord(writer, timestamp === undefined ? record : { ...record, timestamp }, time);
  }
  const next = 7 + timestamps.length;
  const payload = writer.copy();
  const encoded = encodedOf({ topic, partition: 0, entry: 0, base: 7, next, time, payload });
  const records = JSON.parse(`[${new TextDecoder().decode(encoded.text).slice(0, -1)}]`);
  assertEquals(
    records.map(({ offset, timestamp }: Record<string, unknown>) => [offset, timestamp]),
    timestamps.map((timestamp, i) => [7 + i, timestamp ?? time]),
  );
});
