/**
 * One entry of a stripe's log: what one write appends to its partitions. It is stored in one value
 * or, cut anywhere, in several. A section is what it holds for one partition.
 *
 *     version    u8
 *     write id   16 bytes      the write that stored it: an unknown outcome is resolved by it
 *     time       varint        of the append
 *     bases      varint × partitions of the stripe: the next offset of each before this entry
 *     sections   varint count; each: partition in the stripe, records, bytes
 *     producers  varint bytes, then for each producer (apart from the records, to be read alone):
 *                id (16), zigzag epoch minus time, varint publishes; each:
 *                zigzag sequence minus the one before, varint runs; each run:
 *                partition in the stripe, offset minus the base, records
 *     payloads   of the sections, one behind the other: see `record.ts`
 */

import { assert } from "../assert.ts";
import { joinBytes } from "../join_bytes.ts";
import { STORE } from "../limits.ts";
import type { Offset, ProducerStamp, RecordIn } from "../types.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { writeRecord } from "./record.ts";
import { packUlid, ULID_BYTES, unpackUlid } from "./ulid_bytes.ts";

const VERSION = 1;
export const WRITE_ID_BYTES = 16;

/** Where the records of a publish went in one partition: contiguous, from `base`. */
export interface Run {
  /** In the stripe. */
  readonly partition: number;
  readonly base: Offset;
  readonly count: number;
}

/** Receives the publishes of an entry: see `dedupe.ts`. */
export interface PublishSink {
  /** The publishes that follow are this producer's, appended at `time`. */
  producer(id: string, epoch: number, time: number): void;
  /** The publish's records in this partition begin at `base`. */
  publish(sequence: number, partition: number, base: Offset): void;
}

export interface DecodedSection {
  /** In the stripe. */
  readonly partition: number;
  readonly count: number;
  readonly payload: Uint8Array;
}

export interface DecodedEntry {
  readonly writeId: Uint8Array;
  readonly time: number;
  readonly bases: readonly Offset[];
  readonly sections: readonly DecodedSection[];
  /** The size of the whole entry. */
  readonly bytes: number;
  /** The number of values that it is stored in. */
  readonly chunks: number;
  /** Passes every publish with a producer to the sink, grouped by producer. */
  publishes(sink: PublishSink): void;
}

export interface EntryBegin {
  readonly writeId: Uint8Array;
  readonly time: number;
  readonly bases: readonly Offset[];
}

/** The publishes of one producer. */
interface Publishes {
  readonly epoch: number;
  count: number;
  /** For each: its sequence, its number of runs, and for each run: partition, base, count. */
  readonly numbers: number[];
}

/** Builds entries. It is reused for its buffers. */
export class EntryBuilder {
  #begin: EntryBegin = { writeId: new Uint8Array(WRITE_ID_BYTES), time: 0, bases: [] };
  readonly #payloads: ByteWriter[] = [];
  readonly #counts: number[] = [];
  #producers = new Map<string, Publishes>();
  readonly #out = new ByteWriter(STORE.valueBytes);

  begin(begin: EntryBegin): void {
    this.#begin = begin;
    this.#counts.length = 0;
    for (let i = 0; i < begin.bases.length; i++) {
      this.#counts.push(0);
      (this.#payloads[i] ??= new ByteWriter()).reset();
    }
    // Not cleared: a map that is cleared refers to what it had until it is collected itself.
    this.#producers = new Map();
  }

  add(partition: number, record: RecordIn): void {
    writeRecord(this.#payloads[partition] as ByteWriter, record, this.#begin.time);
    this.#counts[partition] = (this.#counts[partition] as number) + 1;
  }

  /** All publishes of a producer in an entry have the same epoch. */
  addPublish({ id, epoch, sequence }: ProducerStamp, runs: readonly Run[]): void {
    let publishes = this.#producers.get(id);
    if (!publishes) this.#producers.set(id, publishes = { epoch, count: 0, numbers: [] });
    assert(publishes.epoch === epoch, "a producer has one epoch in an entry");
    publishes.count++;
    publishes.numbers.push(sequence, runs.length);
    for (const { partition, base, count } of inOrder(runs)) {
      publishes.numbers.push(partition, base, count);
    }
  }

  /** The values to store, in order. They are not changed afterwards. */
  finish(): Uint8Array[] {
    const { writeId, time, bases } = this.#begin;
    const out = this.#out;
    out.reset();
    out.u8(VERSION);
    out.raw(writeId);
    out.varint(time);
    for (const base of bases) out.varint(base);
    const filled = this.#counts.flatMap((count, i) => count > 0 ? [i] : []);
    out.varint(filled.length);
    for (const i of filled) {
      out.u8(i);
      out.varint(this.#counts[i] as number);
      out.varint((this.#payloads[i] as ByteWriter).length);
    }
    const producers = this.#encodeProducers();
    out.varint(producers.length);
    out.span(producers.bytes, 0, producers.length);
    for (const i of filled) {
      const payload = this.#payloads[i] as ByteWriter;
      out.span(payload.bytes, 0, payload.length);
    }
    return cut(out);
  }

  #encodeProducers(): ByteWriter {
    const { time, bases } = this.#begin;
    const out = new ByteWriter(64 * this.#producers.size);
    for (const [id, { epoch, count, numbers }] of this.#producers) {
      packUlid(id, out);
      out.zigzag(epoch - time);
      out.varint(count);
      let at = 0;
      const next = () => numbers[at++] as number;
      for (let last = 0; at < numbers.length;) {
        const sequence = next();
        out.zigzag(sequence - last);
        last = sequence;
        let runs = next();
        for (out.varint(runs); runs > 0; runs--) {
          const partition = next();
          out.u8(partition);
          out.varint(next() - (bases[partition] as number));
          out.varint(next());
        }
      }
    }
    return out;
  }
}

/** Sorted by partition: the order in which they are cheapest to apply. */
function inOrder(runs: readonly Run[]): readonly Run[] {
  return runs.length === 1 ? runs : runs.toSorted((a, b) => a.partition - b.partition);
}

function cut(out: ByteWriter): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < out.length; at += STORE.valueBytes) {
    chunks.push(out.bytes.slice(at, Math.min(out.length, at + STORE.valueBytes)));
  }
  return chunks;
}

/** Whether this value is the first of an entry that this write stored. */
export function hasWriteId(value: Uint8Array, writeId: Uint8Array): boolean {
  return writeId.every((byte, i) => value[1 + i] === byte);
}

/** Reads an entry of a stripe of so many partitions. Payloads are views, not copies. */
export function decodeEntry(chunks: readonly Uint8Array[], partitions: number): DecodedEntry {
  const bytes = joinBytes(chunks);
  const reader = new ByteReader(bytes);
  assert(reader.u8() === VERSION, "an entry has the version of this gateway's format");
  const writeId = reader.view(WRITE_ID_BYTES).slice(); // a copy: the head keeps it longer than the entry
  const time = reader.varint();
  const bases: Offset[] = [];
  for (let i = 0; i < partitions; i++) bases.push(reader.varint());
  const heads: { partition: number; count: number; bytes: number }[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    heads.push({ partition: reader.u8(), count: reader.varint(), bytes: reader.varint() });
  }
  const producers = reader.view(reader.varint());
  const sections = heads.map(({ partition, count, bytes }) => ({
    partition,
    count,
    payload: reader.view(bytes),
  }));
  assert(reader.at === bytes.length, "an entry ends where its last section ends");
  return {
    writeId,
    time,
    bases,
    sections,
    bytes: bytes.length,
    chunks: chunks.length,
    publishes: (sink) => tellPublishes(producers, time, bases, sink),
  };
}

function tellPublishes(
  producers: Uint8Array,
  time: number,
  bases: readonly Offset[],
  sink: PublishSink,
): void {
  const reader = new ByteReader(producers);
  while (!reader.done) {
    const id = unpackUlid(reader.view(ULID_BYTES));
    sink.producer(id, time + reader.zigzag(), time);
    let sequence = 0;
    for (let publishes = reader.varint(); publishes > 0; publishes--) {
      sequence += reader.zigzag();
      for (let runs = reader.varint(); runs > 0; runs--) {
        const partition = reader.u8();
        sink.publish(sequence, partition, (bases[partition] as number) + reader.varint());
        reader.varint(); // the number of records: a repeat has the same
      }
    }
  }
}
