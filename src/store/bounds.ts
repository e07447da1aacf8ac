/**
 * The bounds of the port, asserted alike by every store, so that all of them accept the same input.
 * A store that threw an ordinary error here would be taken for unavailable, and the same impossible
 * write would be retried for ever.
 */

import { assert } from "../assert.ts";
import { STORE } from "../limits.ts";
import type { Key, Range, Write } from "./store.ts";

export function assertReadable(keys: readonly Key[]): void {
  assert(keys.length <= STORE.readKeys, `a read takes at most ${STORE.readKeys} keys`);
}

export function assertScannable({ limit }: Range): void {
  assert(limit > 0 && limit <= STORE.scanEntries, `a scan takes 1 to ${STORE.scanEntries} entries`);
}

export function assertWritable({ checks, mutations }: Write): void {
  const { checks: most, mutations: mostMutations, valueBytes, writeBytes } = STORE;
  let ofKeys = 0;
  assert(checks.length > 0 && checks.length <= most, `a write has 1 to ${most} checks`);
  assert(mutations.length <= mostMutations, `a write has at most ${mostMutations} mutations`);
  let bytes = 0;
  for (const { key } of checks) ofKeys += keyBytes(key);
  for (const mutation of mutations) {
    ofKeys += keyBytes(mutation.key);
    if (mutation.type === "delete") continue;
    assert(mutation.value.length <= valueBytes, `a value has at most ${valueBytes} bytes`);
    bytes += mutation.value.length;
  }
  assert(ofKeys <= STORE.keyBytes, `a write has at most ${STORE.keyBytes} bytes of keys`);
  assert(
    bytes + ofKeys <= writeBytes,
    `a write has at most ${writeBytes} bytes, keys and values together`,
  );
}

/** Size of a key in Deno KV: two bytes more for each string, and nine for a number. */
export function keyBytes(key: Key): number {
  let bytes = 0;
  for (const part of key) bytes += typeof part === "string" ? part.length + 2 : 9;
  return bytes;
}
