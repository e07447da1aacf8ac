/**
 * What is known of a stripe's producers as bytes, made piece by piece as it is asked for, so that a
 * hundred thousand producers are never written in one turn.
 *
 *     snapshot  producer after producer
 *     producer  id (16) · varint time · varint marks · each: u8 partition, varint epoch, varint sequence
 *               varint histories · each: varint epoch, varint origin, varint runs · each:
 *               varint sequence minus the one before, u8 partition, varint base
 */

import { STORE } from "../limits.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Dedupe, Mark, Producer } from "./dedupe.ts";
import { History } from "./history.ts";
import { packUlid, ULID_BYTES, unpackUlid } from "./ulid_bytes.ts";

/** A piece is given out when it has so many bytes. */
const PIECE_BYTES = STORE.valueBytes / 2;

/** The pieces of what is known, one at a time. What is learned meanwhile may be in them or not. */
export function* snapshotPieces(dedupe: Dedupe): Generator<Uint8Array> {
  const out = new ByteWriter(STORE.valueBytes);
  for (const [id, producer] of dedupe.entries()) {
    writeProducer(out, id, producer);
    if (out.length < PIECE_BYTES) continue;
    yield out.copy();
    out.reset();
  }
  if (out.length > 0) yield out.copy();
}

/** Puts back what a snapshot holds: all its pieces, joined. */
export function restore(dedupe: Dedupe, snapshot: Uint8Array): void {
  const reader = new ByteReader(snapshot);
  while (!reader.done) {
    const id = unpackUlid(reader.view(ULID_BYTES));
    dedupe.restore(id, readProducer(reader));
  }
}

function writeProducer(out: ByteWriter, id: string, { time, marks, histories }: Producer): void {
  packUlid(id, out);
  out.varint(time);
  out.varint(marks.length);
  for (const { partition, epoch, sequence } of marks) {
    out.u8(partition);
    out.varint(epoch);
    out.varint(sequence);
  }
  out.varint(histories.length);
  for (const history of histories) {
    out.varint(history.epoch);
    out.varint(history.origin);
    out.varint(history.size);
    let last = history.origin;
    for (let i = 0; i < history.size; i++) {
      out.varint(history.sequenceAt(i) - last);
      last = history.sequenceAt(i);
      out.u8(history.partitionAt(i));
      out.varint(history.baseAt(i));
    }
  }
}

function readProducer(reader: ByteReader): Producer {
  const time = reader.varint();
  const marks: Mark[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    marks.push({ partition: reader.u8(), epoch: reader.varint(), sequence: reader.varint() });
  }
  const histories: History[] = [];
  for (let left = reader.varint(); left > 0; left--) histories.push(readHistory(reader));
  return { time, marks, histories };
}

function readHistory(reader: ByteReader): History {
  const history = new History(reader.varint(), reader.varint());
  let sequence = history.origin;
  for (let left = reader.varint(); left > 0; left--) {
    sequence += reader.varint();
    history.add(sequence, reader.u8(), reader.varint());
  }
  return history;
}
