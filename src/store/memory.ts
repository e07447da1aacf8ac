/**
 * The store as an ordered map in memory, with the semantics of Deno KV: for tests, and as the core
 * of the simulated store. Every call takes effect at once; only watchers are told a moment later.
 */

import { assertReadable, assertScannable, assertWritable } from "./bounds.ts";
import type { Entry, Key, Range, Store, Write, WriteResult } from "./store.ts";

interface Kept {
  readonly key: Key;
  readonly value: Uint8Array;
  readonly version: string;
}

interface Watch {
  readonly keys: readonly Key[];
  readonly names: ReadonlySet<string>;
  readonly changed: (entries: readonly Entry[]) => void;
}

export class MemoryStore implements Store {
  readonly shared: boolean;
  readonly #watches = new Set<Watch>();
  readonly #kept = new Map<string, Kept>();
  /** The names of all keys, in order. */
  readonly #order: string[] = [];
  #version = 0;

  /** `shared`: several gateways of this process use it. */
  constructor({ shared = false } = {}) {
    this.shared = shared;
  }

  async read(keys: readonly Key[]): Promise<Entry[]> {
    assertReadable(keys);
    return keys.map((key) => {
      const kept = this.#kept.get(nameOf(key));
      return kept ? copyOf(kept) : { key, value: undefined, version: null };
    });
  }

  async scan(range: Range): Promise<Entry[]> {
    assertScannable(range);
    const { prefix, start, end, limit, reverse = false } = range;
    const under = nameOf(prefix);
    const from = this.#indexOf(start ? nameOf(start) : under + FIRST);
    const to = this.#indexOf(end ? nameOf(end) : under + LAST);
    const names = reverse
      ? this.#order.slice(Math.max(from, to - limit), to).reverse()
      : this.#order.slice(from, Math.min(to, from + limit));
    return names.flatMap((name) => {
      const kept = this.#kept.get(name);
      return kept ? [copyOf(kept)] : [];
    });
  }

  async write(write: Write): Promise<WriteResult> {
    assertWritable(write);
    for (const { key, version } of write.checks) {
      if ((this.#kept.get(nameOf(key))?.version ?? null) !== version) {
        return { outcome: "conflict" };
      }
    }
    const version = String(++this.#version).padStart(20, "0");
    for (const mutation of write.mutations) {
      if (mutation.type === "delete") this.#delete(nameOf(mutation.key));
      else this.#set(mutation.key, mutation.value, version);
    }
    if (this.#watches.size > 0) this.#tell(write.mutations);
    return { outcome: "stored", version };
  }

  watch(keys: readonly Key[], changed: Watch["changed"]): () => void {
    assertReadable(keys);
    const watch = { keys, names: new Set(keys.map(nameOf)), changed };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  close(): void {
    this.#watches.clear();
  }

  async #tell(mutations: Write["mutations"]): Promise<void> {
    const names = mutations.map(({ key }) => nameOf(key));
    for (const watch of [...this.#watches]) {
      if (!names.some((name) => watch.names.has(name))) continue;
      const entries = await this.read(watch.keys);
      if (this.#watches.has(watch)) watch.changed(entries);
    }
  }

  #set(key: Key, value: Uint8Array, version: string): void {
    const name = nameOf(key);
    if (!this.#kept.has(name)) this.#insert(name);
    this.#kept.set(name, { key, value: value.slice(), version });
  }

  /**
   * Keys of the log arrive in order, each at the end of its range: mostly a push or a short move.
   */
  #insert(name: string): void {
    const at = this.#indexOf(name);
    if (at === this.#order.length) this.#order.push(name);
    else this.#order.splice(at, 0, name);
  }

  #delete(name: string): void {
    if (this.#kept.delete(name)) this.#order.splice(this.#indexOf(name), 1);
  }

  /** The index of a name in the order, or where it would be inserted. */
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

function copyOf({ key, value, version }: Kept): Entry {
  return { key, value: value.slice(), version };
}

/** Sort before and after everything that may follow a prefix. */
const FIRST = "\u0000";
const LAST = "\uffff";

/**
 * A key as a string that sorts as the key does: a number by the count of its digits, then by the
 * digits.
 */
function nameOf(key: Key): string {
  let name = "";
  for (const part of key) {
    if (typeof part === "string") {
      name += `\u0002${part.replace(/[\ud800-\uffff]/g, inUtf8Order)}\u0000`;
    } else {
      const digits = String(part);
      name += `\u0003${DIGITS[digits.length]}${digits}`;
    }
  }
  return name;
}

/** Strings compare by UTF-16 units, so surrogates are mapped to sort after all other units. */
function inUtf8Order(unit: string): string {
  const code = unit.charCodeAt(0);
  return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800);
}

/** A letter for each count of digits. */
const DIGITS = " abcdefghijklmnop";
