/**
 * Which partition a record goes to, as Kafka's default partitioner decides it: murmur2 of the key's
 * UTF-8, sign bit cleared, modulo the partition count.
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

const utf8 = new TextEncoder();

/** The partition of a key. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/** The partition of a producer's keyless publish. A repeat must go to the same partition. */
export function partitionOfProducer(id: string, sequence: number, partitions: number): number {
  return ((murmur2(id) & 0x7fffffff) + sequence % partitions) % partitions;
}

/** Kafka's murmur2 of the text's UTF-8, as a signed 32-bit integer. */
export function murmur2(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return hash(utf8.encode(text));
  }
  return hashAscii(text);
}

function hash(bytes: Uint8Array): number {
  const { length } = bytes;
  const at = (i: number) => bytes[i] as number;
  let h = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    h = mix(h, at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24);
  }
  if (length - i === 3) h ^= at(i + 2) << 16;
  if (length - i >= 2) h ^= at(i + 1) << 8;
  if (length - i >= 1) h = Math.imul(h ^ at(i), M);
  return finish(h);
}

/** The same without encoding: keys are nearly always ASCII. */
function hashAscii(text: string): number {
  const { length } = text;
  let h = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    h = mix(
      h,
      text.charCodeAt(i) | text.charCodeAt(i + 1) << 8 | text.charCodeAt(i + 2) << 16 |
        text.charCodeAt(i + 3) << 24,
    );
  }
  if (length - i === 3) h ^= text.charCodeAt(i + 2) << 16;
  if (length - i >= 2) h ^= text.charCodeAt(i + 1) << 8;
  if (length - i >= 1) h = Math.imul(h ^ text.charCodeAt(i), M);
  return finish(h);
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, M);
  k = Math.imul(k ^ k >>> 24, M);
  return Math.imul(h, M) ^ k;
}

function finish(h: number): number {
  const mixed = Math.imul(h ^ h >>> 13, M);
  return mixed ^ mixed >>> 15;
}
