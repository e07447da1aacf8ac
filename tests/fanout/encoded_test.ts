import { assert, assertEquals } from "@std/assert";
import { encodedOf } from "../../src/fanout/encoded.ts";
import { FRAMES } from "../../src/fanout/frames.ts";
import { ByteWriter } from "../../src/log/bytes.ts";
import { writeRecord } from "../../src/log/record.ts";
import type { Section } from "../../src/log/section.ts";

const topic = { id: "01JAAAAAAAAAAAAAAAAAAAAAAA", name: "gps", partitions: 1 };

function section(base: number, value: string): Section {
  const writer = new ByteWriter();
  const source = new TextEncoder().encode(JSON.stringify(value));
  writeRecord(writer, { source, from: 0, to: source.length }, 0);
  return { topic, partition: 0, base, next: base + 1, time: 0, payload: writer.copy() };
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
