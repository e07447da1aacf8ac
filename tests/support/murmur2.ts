/**
 * Kafka's murmur2 and its default partitioner, written from Kafka's Java only for the tests, which
 * check that the gateway agrees with it.
 */

import { Buffer } from "node:buffer";

/** The hash as a signed 32-bit integer, as in Java. */
export function murmur2(text: string): number {
  const data = Buffer.from(text, "utf8");
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.length & 3;
  if (rest === 3) h ^= data[whole + 2]! << 16;
  if (rest >= 2) h ^= data[whole + 1]! << 8;
  if (rest >= 1) h = Math.imul(h ^ data[whole]!, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return (h ^ (h >>> 15)) | 0;
}

/** With the sign bit cleared, as the partitioner does. */
export function positive(hash: number): number {
  return hash & 0x7fffffff;
}

export function partitionOfKey(key: string, partitions: number): number {
  return positive(murmur2(key)) % partitions;
}

/** The partition of records without a key whose publish has a producer. */
export function partitionOfSequence(id: string, sequence: number, partitions: number): number {
  return (positive(murmur2(id)) + sequence) % partitions;
}
