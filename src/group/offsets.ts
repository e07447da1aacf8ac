/**
 * Committed offsets as they are stored: one value for each partition that a group has committed.
 *
 *     stamp     16 bytes   of the write that set it: an unknown outcome is resolved by it
 *     offset    varint     the next one to read
 *     metadata  string     what the member wrote beside it; not there if it wrote nothing
 */

import { assert } from "../assert.ts";
import type { Random } from "../host/host.ts";
import { ByteReader, ByteWriter } from "../log/bytes.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Key, Store } from "../store/store.ts";
import type { Offset } from "../types.ts";

const STAMP_BYTES = 16;

export interface Committed {
  readonly offset: Offset;
  readonly metadata?: string;
}

/** A fresh stamp, for one write. */
export function newStamp(random: Random): Uint8Array {
  return random.bytes(STAMP_BYTES);
}

export function encodeCommitted(stamp: Uint8Array, { offset, metadata }: Committed): Uint8Array {
  const writer = new ByteWriter(32);
  writer.raw(stamp);
  writer.varint(offset);
  if (metadata !== undefined) writer.string(metadata);
  return writer.copy();
}

function decodeCommitted(value: Uint8Array): Committed {
  assert(value.length > STAMP_BYTES, "a committed offset stands behind its stamp");
  const reader = new ByteReader(value, STAMP_BYTES);
  const offset = reader.varint();
  return reader.done ? { offset } : { offset, metadata: reader.string() };
}

export function hasStamp(value: Uint8Array, stamp: Uint8Array): boolean {
  return stamp.every((byte, i) => value[i] === byte);
}

/** What is committed under a prefix, by topic's incarnation and partition. */
export async function scanCommitted(
  store: Store,
  prefix: Key,
): Promise<{ topicId: string; partition: number; committed: Committed }[]> {
  const found: { topicId: string; partition: number; committed: Committed }[] = [];
  for await (const { key, value } of scanAll(store, prefix)) {
    const [, , topicId, partition] = key;
    if (!value) continue;
    const committed = decodeCommitted(value);
    found.push({ topicId: String(topicId), partition: Number(partition), committed });
  }
  return found;
}

/** The offsets of a topic that the group has committed, by partition. */
export async function committedOf(
  store: Store,
  group: string,
  topicId: string,
): Promise<Map<number, Committed>> {
  const found = await scanCommitted(store, keys.offsets(group, topicId));
  return new Map(found.map(({ partition, committed }) => [partition, committed]));
}
