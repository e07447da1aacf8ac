/**
 * The two small values of a stripe that change: its head, which every append sets under a check of
 * its version, and its trim point, which only retention moves.
 *
 *     head  u8 version · write id (16) · entries · last append's time · for each partition: next, bytes
 *     trim  u8 version · first kept entry · for each partition: start, bytes trimmed
 *
 * All but the first two are varints; `bytes` are those of records ever appended, and ever trimmed.
 */

import { assert } from "../assert.ts";
import type { Offset } from "../types.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { type DecodedEntry, WRITE_ID_BYTES } from "./entry.ts";

const VERSION = 1;

export interface Head {
  /** Of the write that set it. */
  readonly writeId: Uint8Array;
  /** Number of the next entry. */
  readonly entries: number;
  /** When the last entry was appended. */
  readonly time: number;
  /** By partition of the stripe. */
  readonly next: readonly Offset[];
  readonly bytes: readonly number[];
}

export interface Trim {
  /** Number of the first entry that is kept. */
  readonly entry: number;
  readonly start: readonly Offset[];
  readonly bytes: readonly number[];
}

export function emptyHead(partitions: number): Head {
  const zeros = new Array<number>(partitions).fill(0);
  return {
    writeId: new Uint8Array(WRITE_ID_BYTES),
    entries: 0,
    time: 0,
    next: zeros,
    bytes: zeros,
  };
}

export function emptyTrim(partitions: number): Trim {
  const zeros = new Array<number>(partitions).fill(0);
  return { entry: 0, start: zeros, bytes: zeros };
}

/** The head after this entry. */
export function advance(head: Head, entry: DecodedEntry): Head {
  const next = [...head.next];
  const bytes = [...head.bytes];
  for (const { partition, count, payload } of entry.sections) {
    assert(entry.bases[partition] === next[partition], "an entry begins where the last one ended");
    next[partition] = (next[partition] ?? 0) + count;
    bytes[partition] = (bytes[partition] ?? 0) + payload.length;
  }
  return { writeId: entry.writeId, entries: head.entries + 1, time: entry.time, next, bytes };
}

/** The trim point after this entry, which was the first one kept. */
export function trimmed(trim: Trim, entry: DecodedEntry): Trim {
  const start = [...trim.start];
  const bytes = [...trim.bytes];
  for (const { partition, count, payload } of entry.sections) {
    assert(entry.bases[partition] === start[partition], "entries are trimmed in their order");
    start[partition] = (start[partition] ?? 0) + count;
    bytes[partition] = (bytes[partition] ?? 0) + payload.length;
  }
  return { entry: trim.entry + 1, start, bytes };
}

export function encodeHead({ writeId, entries, time, next, bytes }: Head): Uint8Array {
  const writer = new ByteWriter(64 + next.length * 10);
  writer.u8(VERSION);
  writer.raw(writeId);
  writer.varint(entries);
  writer.varint(time);
  writePairs(writer, next, bytes);
  return writer.copy();
}

export function decodeHead(value: Uint8Array): Head {
  const reader = begin(value);
  const writeId = reader.view(WRITE_ID_BYTES);
  const entries = reader.varint();
  const time = reader.varint();
  const [next, bytes] = readPairs(reader);
  return { writeId, entries, time, next, bytes };
}

export function encodeTrim({ entry, start, bytes }: Trim): Uint8Array {
  const writer = new ByteWriter(16 + start.length * 10);
  writer.u8(VERSION);
  writer.varint(entry);
  writePairs(writer, start, bytes);
  return writer.copy();
}

export function decodeTrim(value: Uint8Array): Trim {
  const reader = begin(value);
  const entry = reader.varint();
  const [start, bytes] = readPairs(reader);
  return { entry, start, bytes };
}

function begin(value: Uint8Array): ByteReader {
  const reader = new ByteReader(value);
  assert(reader.u8() === VERSION, "a head or trim point has the version of this gateway's format");
  return reader;
}

function writePairs(writer: ByteWriter, a: readonly number[], b: readonly number[]): void {
  for (const [i, value] of a.entries()) {
    writer.varint(value);
    writer.varint(b[i] ?? 0);
  }
}

function readPairs(reader: ByteReader): [number[], number[]] {
  const [a, b]: [number[], number[]] = [[], []];
  while (!reader.done) {
    a.push(reader.varint());
    b.push(reader.varint());
  }
  return [a, b];
}
