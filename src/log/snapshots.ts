/**
 * Snapshots of producer state in the store. They bound what a restart has to read; retention never
 * passes the entry from which the newest one must be replayed.
 *
 * A snapshot is written piece by piece while appends go on; the pointer moves to it only when it is
 * complete. It is fuzzy: what was appended meanwhile may or may not be in it. Replaying from the
 * entry that was next when it began makes it exact.
 *
 * 1. Every attempt has a generation of its own, so late writes of an abandoned attempt never mix
 *    with the pieces of another.
 * 2. Pieces are written and deleted only while the pointer has not moved.
 * 3. Only pieces that were there before the pointer moved are deleted: their snapshots can no
 *    longer complete. Later ones may belong to a snapshot that another gateway is about to
 *    complete.
 *
 *     pointer    u8 version · generation (ULID, 16) · varint pieces · varint entry to replay from
 */

import { assert } from "../assert.ts";
import { type Host, newId } from "../host/host.ts";
import { LOG } from "../limits.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Check, Key, Mutation, Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Dedupe } from "./dedupe.ts";
import { restore, snapshotPieces } from "./snapshot_format.ts";
import { packUlid, ULID_BYTES, unpackUlid } from "./ulid_bytes.ts";

const VERSION = 1;
const PAGE = 16;

/** What a snapshot needs of a stripe. */
export interface Snapshotted {
  readonly topic: { readonly id: string };
  readonly index: number;
  readonly head: { readonly entries: number };
  readonly dedupe: Dedupe;
}

/** The newest complete snapshot. */
interface Pointer {
  readonly generation: string;
  readonly pieces: number;
  readonly replayFrom: number;
}

const NONE: Pointer = { generation: "", pieces: 0, replayFrom: 0 };

/** Loads the newest snapshot into the stripe; returns the entry from which to replay. */
export async function loadSnapshot(store: Store, stripe: Snapshotted): Promise<number> {
  for (let { pointer } = await readPointer(store, stripe);;) {
    if (await loadPieces(store, stripe, pointer)) return pointer.replayFrom;
    const { pointer: now } = await readPointer(store, stripe);
    assert(
      now.generation !== pointer.generation,
      "a snapshot has all pieces that its pointer says",
    );
    pointer = now; // another gateway has made a newer one, and deleted this
  }
}

/** Returns whether all pieces were there. */
async function loadPieces(
  store: Store,
  stripe: Snapshotted,
  { generation, pieces }: Pointer,
): Promise<boolean> {
  const { topic, index, dedupe } = stripe;
  for (let piece = 0; piece < pieces;) {
    const page = await store.scan({
      prefix: keys.snapshotPieces(topic.id, index, generation),
      start: keys.snapshotPiece(topic.id, index, generation, piece),
      limit: Math.min(PAGE, pieces - piece),
    });
    // Pieces are deleted from the first on.
    const isWhole = page.every(({ key }, i) => key.at(-1) === piece + i);
    if (page.length === 0 || !isWhole) return false;
    for (const { value } of page) if (value) restore(dedupe, value);
    piece += page.length;
  }
  return true;
}

/** The size of a snapshot, and the entry from which a restart will replay. */
export interface TakenSnapshot {
  readonly bytes: number;
  readonly replayFrom: number;
}

export async function takeSnapshot(
  store: Store,
  host: Host,
  stripe: Snapshotted,
): Promise<TakenSnapshot> {
  const { topic, index, head, dedupe } = stripe;
  const replayFrom = head.entries;
  const generation = newId(host);
  const { pointer: before } = await readPointer(store, stripe);
  // Another gateway's snapshot is newer: the log may be trimmed up to it.
  if (before.replayFrom > replayFrom) return { bytes: 0, replayFrom: before.replayFrom };
  let pieces = 0;
  let bytes = 0;
  for (const value of snapshotPieces(dedupe)) {
    bytes += value.length;
    const key = keys.snapshotPiece(topic.id, index, generation, pieces++);
    await writeUnder(store, host, stripe, before, [{ type: "set", key, value }]);
  }
  const others = await piecesOfOthers(store, stripe, generation);
  const pointer = { generation, pieces, replayFrom };
  const key = keys.snapshot(topic.id, index);
  await writeUnder(store, host, stripe, before, [{ type: "set", key, value: encode(pointer) }]);
  const { pointer: now } = await readPointer(store, stripe);
  if (now.generation === generation) {
    for (let at = 0; at < others.length; at += LOG.deleteKeys) {
      const page = others.slice(at, at + LOG.deleteKeys);
      const mutations = page.map((key): Mutation => ({ type: "delete", key }));
      await writeUnder(store, host, stripe, pointer, mutations);
    }
  }
  return { bytes, replayFrom: now.replayFrom };
}

/** Those of the previous snapshot, and of abandoned attempts. */
async function piecesOfOthers(
  store: Store,
  { topic, index }: Snapshotted,
  generation: string,
): Promise<Key[]> {
  const prefix = keys.snapshot(topic.id, index);
  const others: Key[] = [];
  for await (const { key } of scanAll(store, prefix, PAGE)) {
    if (key[prefix.length] !== generation) others.push(key);
  }
  return others;
}

/** Writes while the pointer is still this one; does nothing if it has moved. */
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
  const checks = [{ key, version: entry.version }];
  return { checks, pointer: entry.value ? decode(entry.value) : NONE };
}

function encode({ generation, pieces, replayFrom }: Pointer): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(VERSION);
  packUlid(generation, writer);
  writer.varint(pieces);
  writer.varint(replayFrom);
  return writer.copy();
}

function decode(value: Uint8Array): Pointer {
  const reader = new ByteReader(value);
  assert(reader.u8() === VERSION, "a pointer has the version of this gateway's format");
  const generation = unpackUlid(reader.view(ULID_BYTES));
  return { generation, pieces: reader.varint(), replayFrom: reader.varint() };
}
