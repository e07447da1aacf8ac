/**
 * Deno KV on an embedded file, or in memory. One gateway has the file at a time: two processes on it
 * would see half of their writes fail, so a lock that the system frees with the process keeps the
 * second one out.
 */

import { assert } from "../assert.ts";
import { STORE } from "../limits.ts";
import { keys } from "./keys.ts";
import {
  type Entry,
  type Key,
  type Range,
  type Store,
  unreadable,
  type Write,
  type WriteResult,
} from "./store.ts";

/** Raised when a gateway that writes another format comes to a store. */
const FORMAT = 1;

/** The store cannot be used; the message is one line for whoever started the gateway. */
export class StoreRefused extends Error {
  override readonly name = "StoreRefused";
}

/** Opens the store in this file, made if need be, or in memory (`:memory:`). */
export async function openDenoKv(path: string): Promise<Store> {
  const lock = path === ":memory:" ? undefined : await lockFile(path);
  try {
    const kv = await Deno.openKv(path);
    await claimFormat(kv, path);
    return new DenoKvStore(kv, lock);
  } catch (error) {
    lock?.close();
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused(`Cannot open the store ${path}: ${messageOf(error)}`);
  }
}

class DenoKvStore implements Store {
  readonly #kv: Deno.Kv;
  readonly #lock: Deno.FsFile | undefined;

  constructor(kv: Deno.Kv, lock: Deno.FsFile | undefined) {
    this.#kv = kv;
    this.#lock = lock;
  }

  async read(keys: readonly Key[]): Promise<Entry[]> {
    assert(keys.length <= STORE.readKeys, `a read takes at most ${STORE.readKeys} keys`);
    const found = await readable(this.#kv.getMany<Uint8Array[]>(keys.map(unlock)));
    return found.map(entryOf);
  }

  async scan({ prefix, start, end, limit, reverse = false }: Range): Promise<Entry[]> {
    assert(limit <= STORE.scanEntries, `a scan takes at most ${STORE.scanEntries} entries`);
    const found = this.#kv.list<Uint8Array>(selector(prefix, start, end), {
      limit,
      reverse,
      batchSize: limit,
    });
    return await readable(Array.fromAsync(found, entryOf));
  }

  async write({ checks, mutations }: Write): Promise<WriteResult> {
    assert(checks.length > 0 && checks.length <= STORE.checks, "a write has 1 to 10 checks");
    try {
      const operation = this.#kv.atomic();
      for (const { key, version } of checks) {
        operation.check({ key: unlock(key), versionstamp: version });
      }
      for (const mutation of mutations) {
        if (mutation.type === "set") operation.set(unlock(mutation.key), mutation.value);
        else operation.delete(unlock(mutation.key));
      }
      const result = await within(STORE.callMs, operation.commit());
      return result.ok
        ? { outcome: "stored", version: result.versionstamp }
        : { outcome: "conflict" };
    } catch (cause) {
      return { outcome: "unknown", cause };
    }
  }

  close(): void {
    this.#kv.close();
    this.#lock?.close();
  }
}

/** Deno KV takes a prefix with one bound at most. Two bounds lie within the prefix, and do without. */
function selector(prefix: Key, start: Key | undefined, end: Key | undefined): Deno.KvListSelector {
  if (start && end) return { start: unlock(start), end: unlock(end) };
  if (start) return { prefix: unlock(prefix), start: unlock(start) };
  return end ? { prefix: unlock(prefix), end: unlock(end) } : { prefix: unlock(prefix) };
}

/** The same key for an interface that does not promise to leave it alone. */
function unlock(key: Key): Deno.KvKey {
  return key as Deno.KvKey;
}

function entryOf(entry: Deno.KvEntryMaybe<Uint8Array>): Entry {
  return {
    key: entry.key as Key,
    value: entry.value ?? undefined,
    version: entry.versionstamp,
  };
}

async function readable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await within(STORE.callMs, answer);
  } catch (error) {
    throw unreadable(error);
  }
}

/** Rejects when the store has not answered in time; what it answers later is nobody's business. */
function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No answer within ${ms} ms`)), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function lockFile(path: string): Promise<Deno.FsFile> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  if (folder) await Deno.mkdir(folder, { recursive: true });
  const lock = await Deno.open(`${path}.lock`, { create: true, write: true });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new StoreRefused(
    `The store ${path} is open in another gateway: stop that one, or set WEIR_STORE to another file`,
  );
}

async function claimFormat(kv: Deno.Kv, path: string): Promise<void> {
  const key = unlock(keys.store());
  const { value } = await kv.get<Uint8Array>(key);
  const stored = value ? JSON.parse(new TextDecoder().decode(value)).format : undefined;
  if (stored === FORMAT) return;
  if (stored !== undefined) {
    kv.close();
    throw new StoreRefused(
      `The store ${path} has format ${stored}, this gateway writes ${FORMAT}: use a newer gateway`,
    );
  }
  const document = new TextEncoder().encode(JSON.stringify({ format: FORMAT }));
  await kv.atomic().check({ key, versionstamp: null }).set(key, document).commit();
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
