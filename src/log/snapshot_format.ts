/**
 * The encoding of a stripe's producer state. Pieces are made one at a time, so that a hundred
 * thousand producers are never written or read in one turn of the event loop.
 *
 *     piece    u8 version · parts, one behind the other
 *     part     id (16) · varint time of its last record ·
 *              varint marks · each: u8 partition, zigzag time minus epoch, varint sequence ·
 *              zigzag time minus epoch of a history, varint places · each:
 *              varint sequence minus the one before, u8 partition, zigzag base minus the one before
 *
 * A producer is one part, or several if it has several epochs or very many places. A part has what
 * entries would have told, so restoring applies it in the same way, and the order of parts does not
 * matter.
 */

import { assert } from "../assert.ts";
import { STORE } from "../limits.ts";
import type { Offset } from "../types.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Dedupe } from "./dedupe.ts";
import type { ProducerTable } from "./producer_table.ts";
import { NONE } from "./rows.ts";
import { packUlid, ULID_BYTES, unpackUlid } from "./ulid_bytes.ts";

const VERSION = 1;

/** Places of one part: at most 18 bytes each, so that a part always fits a value. */
const PART_PLACES = 2_000;

interface Place {
  readonly sequence: number;
  readonly partition: number;
  readonly base: Offset;
}

/**
 * The pieces, one at a time, of about `pieceBytes` and never more than a value takes. What is
 * applied meanwhile may or may not be in them.
 */
export function* snapshotPieces(
  { producers }: Dedupe,
  pieceBytes: number = STORE.valueBytes,
): Generator<Uint8Array> {
  const piece = new ByteWriter(STORE.valueBytes);
  piece.u8(VERSION);
  for (const [id, row] of producers.entries()) {
    for (const part of partsOf(producers, id, row)) {
      assert(part.length < STORE.valueBytes, "a part fits a value");
      if (piece.length > 1 && piece.length + part.length > pieceBytes) {
        yield piece.copy();
        piece.reset();
        piece.u8(VERSION);
      }
      piece.raw(part);
    }
  }
  if (piece.length > 1) yield piece.copy();
}

/** Applies a piece. */
export function restore(dedupe: Dedupe, piece: Uint8Array): void {
  const reader = new ByteReader(piece);
  assert(reader.u8() === VERSION, "a snapshot has the version of this gateway's format");
  while (!reader.done) restorePart(dedupe, reader);
}

/** All parts of a producer at once: it must not change between them. */
function partsOf(producers: ProducerTable, id: string, row: number): Uint8Array[] {
  const { histories } = producers;
  const time = producers.time(row);
  const parts: Uint8Array[] = [];
  for (let at = producers.newest(row); at !== NONE; at = histories.older(at)) {
    const places: Place[] = [];
    histories.each(at, (sequence, partition, base) => places.push({ sequence, partition, base }));
    for (let from = 0; from < places.length; from += PART_PLACES) {
      const part = new ByteWriter(512);
      packUlid(id, part);
      part.varint(time);
      writeMarks(part, producers, parts.length === 0 ? row : NONE);
      part.zigzag(time - histories.epoch(at));
      writePlaces(part, places.slice(from, from + PART_PLACES));
      parts.push(part.copy());
    }
  }
  return parts;
}

function writeMarks(part: ByteWriter, producers: ProducerTable, row: number): void {
  let count = 0;
  if (row !== NONE) producers.eachMark(row, () => count++);
  part.varint(count);
  if (count === 0) return;
  const time = producers.time(row);
  producers.eachMark(row, (partition, epoch, sequence) => {
    part.u8(partition);
    part.zigzag(time - epoch);
    part.varint(sequence);
  });
}

function writePlaces(part: ByteWriter, places: readonly Place[]): void {
  part.varint(places.length);
  let last = { sequence: 0, base: 0 };
  for (const place of places) {
    part.varint(place.sequence - last.sequence);
    part.u8(place.partition);
    part.zigzag(place.base - last.base);
    last = place;
  }
}

function restorePart(dedupe: Dedupe, reader: ByteReader): void {
  const id = unpackUlid(reader.view(ULID_BYTES));
  const time = reader.varint();
  const marks = new ByteReader(reader.bytes, reader.at);
  for (let left = reader.varint(); left > 0; left--) {
    reader.u8();
    reader.zigzag();
    reader.varint();
  }
  dedupe.producer(id, time - reader.zigzag(), time);
  for (let left = marks.varint(); left > 0; left--) {
    dedupe.mark(marks.u8(), time - marks.zigzag(), marks.varint());
  }
  let sequence = 0;
  let base = 0;
  for (let left = reader.varint(); left > 0; left--) {
    sequence += reader.varint();
    const partition = reader.u8();
    base += reader.zigzag();
    dedupe.publish(sequence, partition, base);
  }
}
