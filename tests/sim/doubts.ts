/**
 * The writes of one gateway of which it was not told whether they were stored, until it finds out:
 * by reading what one of them has stored, by reading that a check of it no longer holds, or because
 * the same write is stored when it is sent again.
 */

import type { Entry, Key, Write } from "../../src/store/store.ts";

export type Found = "unknownFoundStored" | "unknownFoundNotStored";

export class Doubts {
  readonly #found: (what: Found) => void;
  readonly #open = new Set<Write>();
  readonly #storedAt = new WeakMap<Write, string>();

  constructor(found: (what: Found) => void) {
    this.#found = found;
  }

  /** The store has it, whether anybody is told or not. */
  stored(write: Write, version: string): void {
    this.#storedAt.set(write, version);
  }

  /** Its sender was told nothing, or something wrong. */
  raise(write: Write): void {
    this.#open.add(write);
  }

  /** It was sent again, and its sender is told that it is stored: this time, so not before. */
  answered(write: Write): void {
    if (this.#open.delete(write)) this.#found("unknownFoundNotStored");
  }

  /** These entries were read. */
  read(entries: readonly Entry[]): void {
    for (const write of this.#open) {
      const found = this.#judge(write, entries);
      if (!found) continue;
      this.#open.delete(write);
      this.#found(found);
    }
  }

  #judge(write: Write, entries: readonly Entry[]): Found | undefined {
    const version = this.#storedAt.get(write);
    if (version !== undefined) {
      return entries.some((entry) => entry.version === version) ? "unknownFoundStored" : undefined;
    }
    const isOver = entries.some((entry) =>
      write.checks.some((check) => check.version !== entry.version && isSame(check.key, entry.key))
    );
    return isOver ? "unknownFoundNotStored" : undefined;
  }
}

function isSame(one: Key, other: Key): boolean {
  return one.length === other.length && one.every((part, i) => part === other[i]);
}
