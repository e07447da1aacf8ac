import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { murmur2, partitionOf, partitionOfProducer } from "../../src/log/partitioner.ts";
import * as kafka from "../support/murmur2.ts";

const texts = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);

Deno.test("murmur2 gives what Kafka's own tests expect", () => {
  const vectors: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [text, hash] of vectors) assertEquals(murmur2(text), hash, text);
});

Deno.test("a key goes where Kafka's default partitioner puts its UTF-8, be it ASCII or not", () => {
  fc.assert(fc.property(texts, fc.integer({ min: 1, max: 1024 }), (key, partitions) => {
    assertEquals(murmur2(key), kafka.murmur2(key));
    assertEquals(partitionOf(key, partitions), kafka.partitionOfKey(key, partitions));
  }));
});

Deno.test("keyless records of a producer go one partition on with every sequence, up to 2^53-1", () => {
  const sequences = fc.oneof(fc.nat(), fc.maxSafeNat());
  fc.assert(fc.property(texts, sequences, fc.integer({ min: 1, max: 1024 }), (id, sequence, n) => {
    const exact = (BigInt(kafka.positive(kafka.murmur2(id))) + BigInt(sequence)) % BigInt(n);
    assertEquals(partitionOfProducer(id, sequence, n), Number(exact));
  }));
});
