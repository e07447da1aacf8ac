/**
 * Snapshots of what stripes know of producers, in the store: they bound what a restart has to read,
 * and retention never passes the entry from which the newest one must be replayed.
 *
 * A snapshot is written beside the one before, piece by piece while entries go on coming; only when
 * all of it is there does the pointer move to it. It is fuzzy: what was learned while it was written
 * may be in it or not. Replaying from the entry that was next when it began makes it exact.
 */

import { assert } from "../assert.ts";
import type { Host } from "../host/host.ts";
import { STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Check, Mutation, Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Dedupe } from "./dedupe.ts";
import { restore, snapshotPieces } from "./snapshot.ts";

/** Of which stripe; what of it a snapshot needs and tells. */
export interface Snapshotted {
  readonly topic: { readonly id: string };
  readonly index: number;
  readonly head: { readonly entries: number };
  readonly producers: Dedupe;
}

/** Which snapshot is whole: its number, its pieces, and the entry from which to replay. */
interface Pointer {
  readonly generation: number;
  readonly pieces: number;
  readonly replayFrom: number;
}

/** Loads what is known into the stripe; returns the entry from which on entries are to be replayed. */
export async function loadSnapshot(store: Store, stripe: Snapshotted): Promise<number> {
  const { pointer } = await readPointer(store, stripe);
  const { topic, index, producers } = stripe;
  for (let piece = 0; piece < pointer.pieces;) {
    const page = await store.scan({
      prefix: keys.snapshotPieces(topic.id, index, pointer.generation),
      start: keys.snapshotPiece(topic.id, index, pointer.generation, piece),
      limit: 16,
    });
    assert(page.length > 0, "a snapshot has all the pieces that its pointer says");
    for (const { value } of page) if (value) restore(producers, value);
    piece += page.length;
  }
  return pointer.replayFrom;
}

/** What a snapshot took, and the entry from which a restart will replay. */
export interface TakenSnapshot {
  readonly bytes: number;
  readonly replayFrom: number;
}

export async function takeSnapshot(
  store: Store,
  host: Host,
  stripe: Snapshotted,
): Promise<TakenSnapshot> {
  const { topic, index, head, producers } = stripe;
  const replayFrom = head.entries;
  const { pointer: before } = await readPointer(store, stripe);
  const generation = before.generation + 1;
  let pieces = 0;
  let bytes = 0;
  for (const value of snapshotPieces(producers)) {
    bytes += value.length;
    const key = keys.snapshotPiece(topic.id, index, generation, pieces++);
    await writeUnder(store, host, stripe, before, [{ type: "set", key, value }]);
  }
  const pointer = { generation, pieces, replayFrom };
  const value = encode(pointer);
  await writeUnder(store, host, stripe, before, [
    { type: "set", key: keys.snapshot(topic.id, index), value },
  ]);
  await dropPieces(store, host, stripe, pointer, before);
  return { bytes, replayFrom };
}

async function dropPieces(
  store: Store,
  host: Host,
  stripe: Snapshotted,
  now: Pointer,
  old: Pointer,
): Promise<void> {
  const { topic, index } = stripe;
  for (let piece = 0; piece < old.pieces; piece += STORE.mutations) {
    const mutations: Mutation[] = [];
    for (let i = piece; i < Math.min(old.pieces, piece + STORE.mutations); i++) {
      const key = keys.snapshotPiece(topic.id, index, old.generation, i);
      mutations.push({ type: "delete", key });
    }
    await writeUnder(store, host, stripe, now, mutations);
  }
}

/** Writes while the pointer is still this one; does nothing if another snapshot came first. */
async function writeUnder(
  store: Store,
  host: Host,
  stripe: Snapshotted,
  expected: Pointer,
  mutations: readonly Mutation[],
): Promise<void> {
  await transact(store, host, {
    load: () => readPointer(store, stripe),
    decide: ({ pointer }) => ({
      mutations: pointer.generation === expected.generation ? mutations : [],
      result: undefined,
    }),
  });
}

async function readPointer(
  store: Store,
  { topic, index }: Snapshotted,
): Promise<{ checks: Check[]; pointer: Pointer }> {
  const key = keys.snapshot(topic.id, index);
  const [entry] = await store.read([key]);
  assert(entry, "a read answers every key");
  return {
    checks: [{ key, version: entry.version }],
    pointer: entry.value ? decode(entry.value) : { generation: 0, pieces: 0, replayFrom: 0 },
  };
}

function encode({ generation, pieces, replayFrom }: Pointer): Uint8Array {
  const writer = new ByteWriter(24);
  for (const number of [generation, pieces, replayFrom]) writer.varint(number);
  return writer.copy();
}

function decode(value: Uint8Array): Pointer {
  const reader = new ByteReader(value);
  return { generation: reader.varint(), pieces: reader.varint(), replayFrom: reader.varint() };
}
