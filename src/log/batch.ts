/**
 * A write under construction: for each stripe that it touches, an entry with a section for each
 * partition. Offsets are assigned here and nowhere else.
 */

import { assert } from "../assert.ts";
import { LOG, TOPIC } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Check, Mutation } from "../store/store.ts";
import type { Offset, RecordIn } from "../types.ts";
import { type DecodedEntry, decodeEntry, EntryBuilder, type Run } from "./entry.ts";
import { advance, encodeHead } from "./head.ts";
import type { Pending, PendingPart } from "./pending.ts";
import type { Stripe } from "./stripe.ts";

/** Bytes of a write that are not records: keys, heads, sections, producers. */
const OVERHEAD = 2_048;

interface Growing {
  readonly stripe: Stripe;
  readonly builder: EntryBuilder;
  /** The next offset of each partition of the stripe. */
  readonly next: Offset[];
}

/** A stripe's entry as it is being stored. */
export interface Written {
  readonly stripe: Stripe;
  readonly number: number;
  readonly decoded: DecodedEntry;
}

export class Batch {
  readonly #now: number;
  readonly #writeId: Uint8Array;
  readonly #builders: EntryBuilder[];
  readonly #growing = new Map<Stripe, Growing>();
  #bytes = 0;

  /** `builders` are reused from batch to batch, for their buffers. */
  constructor(now: number, writeId: Uint8Array, builders: EntryBuilder[]) {
    this.#now = now;
    this.#writeId = writeId;
    this.#builders = builders;
  }

  /** Whether the append still fits, if the batch may have at most this many stripes and bytes. */
  fits(pending: Pending, stripesMax: number, bytesMax: number): boolean {
    if (this.#bytes + pending.bytes + OVERHEAD > Math.min(bytesMax, LOG.entryBytes)) {
      return this.#growing.size === 0;
    }
    let stripes = this.#growing.size;
    for (const stripe of pending.stripes) if (!this.#growing.has(stripe)) stripes++;
    return stripes <= Math.min(stripesMax, TOPIC.stripes);
  }

  /** Adds the append and assigns offsets to its records. */
  add(pending: Pending): void {
    this.#bytes += pending.bytes;
    for (const part of pending.parts) this.#addPart(part);
  }

  #addPart(part: PendingPart): void {
    const { records, producer } = part.append;
    const offsets: Offset[] = new Array(records.length);
    let last: Growing | undefined;
    for (let i = 0; i < records.length; i++) {
      const partition = part.partitions[i] as number;
      const growing = last && covers(last.stripe, partition) ? last : this.#grow(part, partition);
      const at = partition - growing.stripe.first;
      const offset = growing.next[at] ?? 0;
      growing.next[at] = offset + 1;
      growing.builder.add(at, records[i] as RecordIn);
      offsets[i] = offset;
      last = growing;
    }
    part.offsets = offsets;
    if (producer) {
      for (const stripe of part.stripes) {
        this.#growing.get(stripe)?.builder.addPublish(producer, touched(stripe, part));
      }
    }
  }

  #grow(part: PendingPart, partition: number): Growing {
    const stripe = part.log.stripeOf(partition);
    const known = this.#growing.get(stripe);
    if (known) return known;
    const builder = this.#builders[this.#growing.size] ??= new EntryBuilder();
    const time = Math.max(this.#now, stripe.head.time);
    builder.begin({ writeId: this.#writeId, time, bases: stripe.head.next });
    const growing = { stripe, builder, next: Array.from(stripe.head.next) };
    this.#growing.set(stripe, growing);
    return growing;
  }

  /** Finishes the entries. Returns what the write checks and sets, and the entries that it adds. */
  finish(): { checks: Check[]; mutations: Mutation[]; written: Written[] } {
    const checks: Check[] = [];
    const mutations: Mutation[] = [];
    const written: Written[] = [];
    for (const { stripe, builder } of this.#growing.values()) {
      const topic = stripe.topic.id;
      const number = stripe.head.entries;
      const chunks = builder.finish();
      const decoded = decodeEntry(chunks, stripe.partitions);
      assert(decoded.time >= stripe.head.time, "the time of an append never falls");
      checks.push({ key: keys.head(topic, stripe.index), version: stripe.headVersion });
      mutations.push({
        type: "set",
        key: keys.head(topic, stripe.index),
        value: encodeHead(advance(stripe.head, decoded)),
      });
      for (const [i, value] of chunks.entries()) {
        mutations.push({ type: "set", key: keys.entry(topic, stripe.index, number, i), value });
      }
      written.push({ stripe, number, decoded });
    }
    return { checks, mutations, written };
  }
}

function covers(stripe: Stripe, partition: number): boolean {
  return partition >= stripe.first && partition < stripe.first + stripe.partitions;
}

/** For each partition of the stripe: the offset and number of the publish's records. */
function touched(stripe: Stripe, { partitions, offsets }: PendingPart): readonly Run[] {
  const runs: { partition: number; base: Offset; count: number }[] = [];
  for (let i = 0; i < partitions.length; i++) {
    const partition = partitions[i] as number;
    if (!covers(stripe, partition)) continue;
    const at = partition - stripe.first;
    const run = runs.find((run) => run.partition === at);
    if (run) run.count++;
    else runs.push({ partition: at, base: offsets[i] as Offset, count: 1 });
  }
  return runs;
}
