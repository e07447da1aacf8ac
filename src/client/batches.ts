/**
 * The queue of a producer. Publishes to the same topic share a frame until it is sent; a
 * transaction has a frame of its own. Pure.
 */

import type { Claim } from "./claim.ts";
import type { Places } from "../protocol/gateway_frames.ts";
import type { Numbered } from "./line.ts";
import { type Entry, publishOf, transactOf } from "./records.ts";

/** A call, and how to settle it. */
export interface Waiting {
  readonly entries: readonly Entry[];
  readonly bytes: number;
  /** The places of the records of each entry. */
  readonly resolve: (offsets: readonly Places[], duplicate: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** A frame: publishes of several calls to one topic, or one transaction. */
export interface Batch extends Numbered {
  readonly type: "publish" | "transact";
  readonly calls: Waiting[];
  /** What a transaction commits. */
  readonly commit: Claim | undefined;
  records: number;
  bytes: number;
  /** When to send it, full or not. */
  readonly due: number;
}

/** When a batch is full. */
export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

export class Batches {
  readonly #queue: Batch[] = [];
  /** By topic, the batch that may still grow. */
  readonly #open = new Map<string, Batch>();

  get first(): Batch | undefined {
    return this.#queue[0];
  }

  get size(): number {
    return this.#queue.length;
  }

  /** Adds a publish. */
  add(call: Waiting, due: number, limits: BatchLimits): void {
    const [entry] = call.entries;
    if (!entry) return;
    const open = this.#open.get(entry.topic);
    if (open && open.records + entry.count <= limits.records) {
      if (open.bytes + call.bytes <= limits.bytes) return grow(open, call, entry);
    }
    const batch = newBatch("publish", [call], due);
    this.#queue.push(batch);
    this.#open.set(entry.topic, batch);
  }

  /** Adds a transaction behind everything that is queued. */
  addTransaction(call: Waiting, commit: Claim | undefined): void {
    this.#queue.push(newBatch("transact", [call], 0, commit));
    this.#open.clear();
  }

  /**
   * Whether to send the first batch now: it is full, closed to further calls, or its time is up.
   */
  isDue(now: number, limits: BatchLimits): boolean {
    const { first } = this;
    if (!first) return false;
    return now >= first.due || !this.#isOpen(first) ||
      first.records >= limits.records || first.bytes >= limits.bytes;
  }

  /** Removes and returns the first batch, to be sent. */
  shift(): Batch | undefined {
    const batch = this.#queue.shift();
    if (batch) this.#close(batch);
    return batch;
  }

  /** Removes a call that is still queued. Returns whether it was. */
  remove(call: Waiting): boolean {
    for (const [at, batch] of this.#queue.entries()) {
      const index = batch.calls.indexOf(call);
      if (index < 0) continue;
      if (batch.calls.length === 1) {
        this.#queue.splice(at, 1);
        this.#close(batch); // before its last call is removed, which has the topic
      }
      batch.calls.splice(index, 1);
      batch.bytes -= call.bytes;
      batch.records -= countOf(call);
      return true;
    }
    return false;
  }

  #isOpen(batch: Batch): boolean {
    return this.#open.get(topicOf(batch)) === batch;
  }

  /** Lets no further call join the batch. */
  #close(batch: Batch): void {
    if (this.#isOpen(batch)) this.#open.delete(topicOf(batch));
  }
}

function grow(batch: Batch, call: Waiting, entry: Entry): void {
  batch.calls.push(call);
  batch.records += entry.count;
  batch.bytes += call.bytes;
}

export function newBatch(
  type: Batch["type"],
  calls: Waiting[],
  due: number,
  commit?: Claim,
): Batch {
  return {
    type,
    calls,
    commit,
    get mustWait() {
      return commit?.isSettled === false;
    },
    due,
    width: calls[0]?.entries.length ?? 1,
    records: calls.reduce((sum, call) => sum + countOf(call), 0),
    bytes: calls.reduce((sum, { bytes }) => sum + bytes, 0),
    sequence: 0,
    sent: false,
    inDoubt: false,
    stored: false,
  };
}

/** The members of the batch's frame. `stamp` is the producer's JSON, open at its end. */
export function membersOf(
  { type, calls, commit, sequence, inDoubt, stored }: Batch,
  stamp: string,
): string {
  const stamped = (topic: string, text: string, n: number) =>
    `${publishOf(topic, text)},"producer":${stamp},"sequence":${n}}`;
  if (type === "publish") {
    const records = calls.map(({ entries }) => entries[0]?.text).join();
    return stamped(topicOf({ calls }), records, sequence);
  }
  const parts = calls[0]?.entries.map(({ topic, text }, i) => stamped(topic, text, sequence + i));
  return transactOf(parts ?? [], stored ? undefined : commit?.json(inDoubt));
}

/** Resolves every call of the batch with the places of its records. */
export function settle({ type, calls }: Batch, offsets: unknown, duplicate: boolean): void {
  if (type === "transact") {
    calls[0]?.resolve(offsets as readonly Places[], duplicate);
    return;
  }
  let at = 0;
  for (const call of calls) {
    const count = countOf(call);
    call.resolve([(offsets as Places).slice(at, at + count)], duplicate);
    at += count;
  }
}

function countOf({ entries }: Waiting): number {
  return entries.reduce((sum, { count }) => sum + count, 0);
}

function topicOf({ calls }: Pick<Batch, "calls">): string {
  return calls[0]?.entries[0]?.topic ?? "";
}
