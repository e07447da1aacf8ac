/** A store whose calls meet the fates that a test gives them, and the write that such tests settle. */

import { MemoryStore } from "../../src/store/memory.ts";
import {
  type Entry,
  type Key,
  type Mutation,
  type Range,
  type Store,
  unreadable,
  type Write,
  type WriteResult,
} from "../../src/store/store.ts";
import type { Evidence } from "../../src/store/transact.ts";

export const HEAD: Key = ["head"];
export const ENTRY: Key = ["entry"];
export const ABSENT = { key: HEAD, version: null };
export const UNKNOWN: WriteResult = { outcome: "unknown", cause: "no answer" };
export const CONFLICT: WriteResult = { outcome: "conflict" };

/** What happens to one call: it may reach the store or not, and answers what it likes. */
export type Fate<T> = (reach: () => Promise<T>) => Promise<T>;

/** A store whose next calls meet the fates that they are given; those after them go well. */
export class FatedStore implements Store {
  readonly stored: MemoryStore;
  readonly calls: string[] = [];
  writeFates: Fate<WriteResult>[] = [];
  readFates: Fate<Entry[]>[] = [];
  scanFates: Fate<Entry[]>[] = [];

  constructor(stored = new MemoryStore()) {
    this.stored = stored;
  }

  get shared(): boolean {
    return this.stored.shared;
  }

  read(keys: readonly Key[]): Promise<Entry[]> {
    this.calls.push(`read ${keys.map((key) => key.join("/")).join(" ")}`);
    const reach = () => this.stored.read(keys);
    return this.readFates.shift()?.(reach) ?? reach();
  }

  scan(range: Range): Promise<Entry[]> {
    const reach = () => this.stored.scan(range);
    return this.scanFates.shift()?.(reach) ?? reach();
  }

  write(write: Write): Promise<WriteResult> {
    this.calls.push("write");
    const reach = () => this.stored.write(write);
    return this.writeFates.shift()?.(reach) ?? reach();
  }

  watch(): () => void {
    return () => {};
  }

  close(): void {}

  async value(key: Key): Promise<number | undefined> {
    return (await this.stored.read([key]))[0]?.value?.[0];
  }
}

export const lost: Fate<WriteResult> = async () => UNKNOWN;
export const storedUnheard: Fate<WriteResult> = async (reach) => {
  await reach();
  return UNKNOWN;
};
export const storedYetRefused: Fate<WriteResult> = async (reach) => {
  await reach();
  return CONFLICT;
};
export const unreadableNow: Fate<Entry[]> = () => Promise.reject(unreadable("the link is down"));

export function set(key: Key, value: number): Mutation {
  return { type: "set", key, value: Uint8Array.of(value) };
}

/** The write of somebody: moves the head, and leaves an entry by which it is known. */
export function writeOf(who: number): Write {
  return { checks: [ABSENT], mutations: [set(HEAD, who), set(ENTRY, who)] };
}

export function evidenceOf(who: number): Evidence {
  return { key: ENTRY, holds: (value) => value[0] === who };
}

/** Somebody else moves the head, so that no write under `ABSENT` lands any more. */
export async function overtake(store: FatedStore): Promise<void> {
  await store.stored.write({ checks: [ABSENT], mutations: [set(HEAD, 2)] });
}
