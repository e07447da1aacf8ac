/**
 * Deno KV on an embedded file, or in memory. Only one gateway may use the file at a time: of two
 * processes on it, each would see half of its writes fail. A file lock, which the system releases
 * when the process ends, keeps the second one out.
 */

import { STORE } from "../limits.ts";
import { assertReadable, assertScannable, assertWritable } from "./bounds.ts";
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

/** Raised when the stored format changes. */
const FORMAT = 1;

/** The store cannot be used; the message is one line for whoever started the gateway. */
export class StoreRefused extends Error {
  override readonly name = "StoreRefused";
}

/** Opens the store in this file, which is created if need be, or in memory (`:memory:`). */
export async function openDenoKv(path: string): Promise<Store> {
  let lock: Deno.FsFile | undefined;
  let kv: Deno.Kv | undefined;
  try {
    if (path !== ":memory:") {
      lock = await lockFile(path);
      await requireWritable(path);
    }
    kv = await Deno.openKv(path);
    await claimFormat(kv, path);
    return new DenoKvStore(kv, { shared: false, lock });
  } catch (error) {
    kv?.close();
    letGo(lock);
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused(
      `Cannot open the store ${path}: ${messageOf(error)}; ` +
        "set WEIR_STORE to a store, or a new file, in a folder that can be written and has room",
    );
  }
}

/** A call in progress. */
interface Call {
  /** On the monotonic clock. */
  readonly until: number;
  giveUp(): void;
}

export interface DenoKvOptions {
  readonly shared: boolean;
  /** The lock on the store's file. */
  readonly lock?: Deno.FsFile | undefined;
  /** How long a call may take. */
  readonly callMs?: number;
}

/**
 * Deno KV behind the port: each call has a deadline, which Deno KV itself does not offer. One timer
 * serves all of them, since one for each call would cost a fifth of a lone write.
 */
export class DenoKvStore implements Store {
  readonly #kv: Deno.Kv;
  readonly shared: boolean;
  readonly #lock: Deno.FsFile | undefined;
  readonly #callMs: number;
  readonly #calls = new Set<Call>();
  readonly #clock: ReturnType<typeof setInterval>;

  constructor(kv: Deno.Kv, { shared, lock, callMs = STORE.callMs }: DenoKvOptions) {
    this.#kv = kv;
    this.shared = shared;
    this.#lock = lock;
    this.#callMs = callMs;
    this.#clock = setInterval(() => this.#giveUpLate(), callMs / 10);
  }

  async read(keys: readonly Key[]): Promise<Entry[]> {
    assertReadable(keys);
    const found = await this.#readable(() => this.#kv.getMany<Uint8Array[]>(keys.map(mutableKey)));
    return found.map(entryOf);
  }

  async scan(range: Range): Promise<Entry[]> {
    assertScannable(range);
    const { limit, reverse = false } = range;
    return await this.#readable(() => {
      const options = { limit, reverse, batchSize: limit };
      return Array.fromAsync(this.#kv.list<Uint8Array>(selectorOf(range), options), entryOf);
    });
  }

  /** After an error it is not known what is stored, as if there were no answer. */
  async write(write: Write): Promise<WriteResult> {
    assertWritable(write);
    try {
      const operation = this.#kv.atomic();
      for (const { key, version } of write.checks) {
        operation.check({ key: mutableKey(key), versionstamp: version });
      }
      for (const mutation of write.mutations) {
        if (mutation.type === "set") operation.set(mutableKey(mutation.key), mutation.value);
        else operation.delete(mutableKey(mutation.key));
      }
      const result = await this.#inTime(operation.commit());
      return result.ok
        ? { outcome: "stored", version: result.versionstamp }
        : { outcome: "conflict" };
    } catch (cause) {
      return { outcome: "unknown", cause };
    }
  }

  watch(keys: readonly Key[], changed: (entries: readonly Entry[]) => void): () => void {
    assertReadable(keys);
    // Raw: the stream that `npm:@deno/kv` makes otherwise loops for ever once it is cancelled.
    const reader = this.#kv.watch<Uint8Array[]>(keys.map(mutableKey), { raw: true }).getReader();
    let stopped = false;
    let begun = false;
    const follow = async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        begun = true;
        if (stopped) return await reader.cancel();
        changed(next.value.map(entryOf));
      }
    };
    follow().catch(() => {}); // the watch is only a hint: it may end
    return () => {
      stopped = true;
      // `npm:@deno/kv` cannot cancel a watch before its first result: then that result cancels it.
      if (begun) reader.cancel().catch(() => {});
    };
  }

  close(): void {
    clearInterval(this.#clock);
    this.#kv.close();
    letGo(this.#lock);
  }

  async #readable<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await this.#inTime(ask());
    } catch (error) {
      throw unreadable(error);
    }
  }

  /** Rejects if the store has not answered in time. A write may still be stored later. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = {
        until: performance.now() + this.#callMs,
        giveUp: () => reject(new Error(`No answer within ${this.#callMs} ms`)),
      };
      this.#calls.add(call);
      answer.then(resolve, reject).finally(() => this.#calls.delete(call));
    });
  }

  #giveUpLate(): void {
    const now = performance.now();
    for (const call of this.#calls) {
      if (call.until > now) break; // the others began later
      this.#calls.delete(call);
      call.giveUp();
    }
  }
}

/**
 * Ranges are selected by their bounds alone: with a prefix, `npm:@deno/kv` returns the entry at the
 * prefix itself when it reads backwards, and loops for ever if that alone reaches the limit. The
 * end bound is a boolean, which sorts after all strings and numbers.
 */
function selectorOf({ prefix, start, end }: Range): Deno.KvListSelector {
  return {
    start: mutableKey(start ?? [...prefix, ""]),
    end: end ? mutableKey(end) : [...prefix, true],
  };
}

/** The same key, for an interface whose type is not read-only. */
function mutableKey(key: Key): Deno.KvKey {
  return key as Deno.KvKey;
}

/**
 * Only bytes are ever stored. What is something else, an array of numbers above all, must not be
 * read as if it were bytes: it is read as none, which nothing that decodes a value takes.
 */
function entryOf({ key, value, versionstamp }: Deno.KvEntryMaybe<Uint8Array>): Entry {
  const bytes = value === null || value instanceof Uint8Array ? value : new Uint8Array();
  return { key: key as Key, value: bytes ?? undefined, version: versionstamp };
}

async function lockFile(path: string): Promise<Deno.FsFile> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  if (folder) await Deno.mkdir(folder, { recursive: true });
  // By its real path: a link may lead to the same file.
  const real = await Deno.realPath(path).catch(() => path);
  const lock = await Deno.open(`${real}.lock`, { create: true, write: true });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new StoreRefused(
    `The store ${path} is open in another gateway: stop that one, or set WEIR_STORE to another file`,
  );
}

/**
 * Closing the file is not enough: a child process that is just being spawned has it open for a
 * moment, too.
 */
function letGo(lock: Deno.FsFile | undefined): void {
  lock?.unlockSync();
  lock?.close();
}

/** SQLite would open a file that it may not write, and fail only at the first publish. */
async function requireWritable(path: string): Promise<void> {
  const file = await Deno.open(path, { create: true, write: true });
  file.close();
}

export async function claimFormat(kv: Deno.Kv, path: string): Promise<void> {
  const key = mutableKey(keys.store());
  const { value } = await kv.get<Uint8Array>(key);
  const stored = value ? JSON.parse(new TextDecoder().decode(value)).format : undefined;
  if (stored === FORMAT) return;
  if (stored !== undefined) {
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
