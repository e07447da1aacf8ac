/**
 * The port to the key-value store. It has only what Deno KV, a `denokv` server and an ordered map
 * in memory all do exactly alike; each must pass `tests/contracts/store_contract.ts`.
 *
 * Keys are arrays of strings and non-negative integers, in Deno KV's order: part by part, strings
 * by UTF-8 bytes before numbers by value, a prefix before what it prefixes. Values are bytes.
 */

import { GatewayError } from "../errors.ts";

export type Key = readonly (string | number)[];

/** The value at a key. If there is none, `version` is null and `value` undefined. */
export interface Entry {
  readonly key: Key;
  readonly value: Uint8Array | undefined;
  readonly version: string | null;
}

/** The write happens only if the key still has this version (null: there is no value). */
export interface Check {
  readonly key: Key;
  readonly version: string | null;
}

export type Mutation =
  | { readonly type: "set"; readonly key: Key; readonly value: Uint8Array }
  | { readonly type: "delete"; readonly key: Key };

export interface Write {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
}

/**
 * `stored`: all of it is durable, at `version`. `conflict`: the store reports that a check failed.
 * `unknown`: no answer, or an error; it may have been stored, or may still be. Only `transact.ts`
 * may act on `conflict` or `unknown`: see there.
 */
export type WriteResult =
  | { readonly outcome: "stored"; readonly version: string }
  | { readonly outcome: "conflict" }
  | { readonly outcome: "unknown"; readonly cause: unknown };

/**
 * Entries under `prefix`, from `start` (inclusive) to `end` (exclusive); unbounded where absent.
 */
export interface Range {
  readonly prefix: Key;
  readonly start?: Key;
  readonly end?: Key;
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface Store {
  /** Whether other gateways may use it at the same time. */
  readonly shared: boolean;
  /**
   * Reads up to `STORE.readKeys` keys in one snapshot, in the order given. Rejects with
   * `unavailable` (see `unreadable`) if it cannot.
   */
  read(keys: readonly Key[]): Promise<Entry[]>;
  /**
   * Reads a range in key order; rejects in the same way. More than 100 entries may be read in
   * several snapshots.
   */
  scan(range: Range): Promise<Entry[]>;
  /** Applies all mutations if all checks hold, else none. Has at least one check. Never rejects. */
  write(write: Write): Promise<WriteResult>;
  /**
   * Calls `changed` with the entries at these keys, at most `STORE.watchKeys`, when they have
   * changed. Only a hint: it may come late, miss changes in between, or never come. Returns a
   * function that stops it.
   */
  watch(keys: readonly Key[], changed: (entries: readonly Entry[]) => void): () => void;
  close(): void;
}

/**
 * The error that failed reads reject with: it can be passed on to the caller, who may try again.
 */
export function unreadable(cause: unknown): GatewayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError("unavailable", `The store cannot be read: ${why}`);
}
