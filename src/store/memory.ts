/**
 * The store as an ordered map in memory, with the semantics of Deno KV: for tests, and as what the
 * simulated store is made of. Nothing in it is asynchronous but its signatures.
 */

import { assert } from "../assert.ts";
import { STORE } from "../limits.ts";
import type { Entry, Key, Range, Store, Write, WriteResult } from "./store.ts";

interface Kept {
  readonly key: Key;
  readonly value: Uint8Array;
  readonly version: string;
}

export class MemoryStore implements Store {
  readonly #kept = new Map<string, Kept>();
  /** The names of all keys, in order. */
  readonly #order: string[] = [];
  #version = 0;

  async read(keys: readonly Key[]): Promise<Entry[]> {
    assert(keys.length <= STORE.readKeys, `a read takes at most ${STORE.readKeys} keys`);
    return keys.map((key) => this.#entry(this.#kept.get(nameOf(key)), key));
  }

  async scan({ prefix, start, end, limit, reverse = false }: Range): Promise<Entry[]> {
    assert(limit <= STORE.scanEntries, `a scan takes at most ${STORE.scanEntries} entries`);
    const under = nameOf(prefix);
    const from = this.#indexOf(start ? nameOf(start) : under + FIRST);
    const to = this.#indexOf(end ? nameOf(end) : under + LAST);
    const names = reverse
      ? this.#order.slice(Math.max(from, to - limit), to).reverse()
      : this.#order.slice(from, Math.min(to, from + limit));
    return names.map((name) => this.#entry(this.#kept.get(name), []));
  }

  async write({ checks, mutations }: Write): Promise<WriteResult> {
    assert(checks.length > 0 && checks.length <= STORE.checks, "a write has 1 to 10 checks");
    assert(mutations.length <= STORE.mutations, "a write has at most 1,000 mutations");
    for (const { key, version } of checks) {
      if ((this.#kept.get(nameOf(key))?.version ?? null) !== version) {
        return { outcome: "conflict" };
      }
    }
    const version = String(++this.#version).padStart(20, "0");
    for (const mutation of mutations) {
      if (mutation.type === "delete") this.#delete(nameOf(mutation.key));
      else this.#set(mutation.key, mutation.value, version);
    }
    return { outcome: "stored", version };
  }

  close(): void {}

  #set(key: Key, value: Uint8Array, version: string): void {
    assert(value.length <= STORE.valueBytes, `a value has at most ${STORE.valueBytes} bytes`);
    const name = nameOf(key);
    if (!this.#kept.has(name)) this.#order.splice(this.#indexOf(name), 0, name);
    this.#kept.set(name, { key, value: value.slice(), version });
  }

  #delete(name: string): void {
    if (this.#kept.delete(name)) this.#order.splice(this.#indexOf(name), 1);
  }

  #entry(kept: Kept | undefined, key: Key): Entry {
    if (!kept) return { key, value: undefined, version: null };
    return { key: kept.key, value: kept.value.slice(), version: kept.version };
  }

  /** Where a name is in the order, or would be. */
  #indexOf(name: string): number {
    let low = 0;
    let high = this.#order.length;
    if (high === 0 || name > (this.#order[high - 1] ?? "")) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle] ?? "") < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Before and behind all that a prefix's names go on with. */
const FIRST = "\u0000";
const LAST = "\uffff";

/** A key as a string that sorts as the key does: numbers by their digits, of fixed length. */
function nameOf(key: Key): string {
  let name = "";
  for (const part of key) {
    name += typeof part === "string"
      ? `\u0002${part}\u0000`
      : `\u0003${String(part).padStart(16, "0")}\u0000`;
  }
  return name;
}
