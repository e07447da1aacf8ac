/**
 * The port to the key-value store. Small on purpose: what Deno KV, a `denokv` server and an ordered
 * map in memory can all do exactly alike. `tests/contracts/store_contract.ts` is what each must pass.
 *
 * Keys are arrays of strings and non-negative integers, in Deno KV's order: part by part, strings by
 * UTF-8 bytes before numbers by value, a prefix before what it prefixes. Values are bytes.
 */

import { GatewayError } from "../errors.ts";

export type Key = readonly (string | number)[];

/** What is at a key. `version` is null, and `value` undefined, where there is nothing. */
export interface Entry {
  readonly key: Key;
  readonly value: Uint8Array | undefined;
  readonly version: string | null;
}

/** The write happens only if the key's version is still this one (null: nothing is there). */
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
 * `stored`: all of it is durable, at `version`. `conflict`: the store says that a check failed.
 * `unknown`: no answer, or an error; it may have been stored, it may be stored yet.
 * Nobody but `transact.ts` may act on `conflict` or `unknown`: see there.
 */
export type WriteResult =
  | { readonly outcome: "stored"; readonly version: string }
  | { readonly outcome: "conflict" }
  | { readonly outcome: "unknown"; readonly cause: unknown };

/** Entries under `prefix`, from `start` (inclusive) to `end` (exclusive), all of them if absent. */
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
   * Reads up to `STORE.readKeys` keys in one snapshot, in their order. Rejects with `unavailable` (see
   * `unreadable`) if it cannot.
   */
  read(keys: readonly Key[]): Promise<Entry[]>;
  /** Reads a range in key order, or rejects alike. Over 100 entries may be several snapshots. */
  scan(range: Range): Promise<Entry[]>;
  /** All mutations or none, if all checks hold. Has at least one check. Never rejects. */
  write(write: Write): Promise<WriteResult>;
  /**
   * Calls `changed` with what is at these keys, at most `STORE.watchKeys`, when that has changed. A hint:
   * it may come late, with less than what happened, or never. Returns how to stop.
   */
  watch(keys: readonly Key[], changed: (entries: readonly Entry[]) => void): () => void;
  close(): void;
}

/** What a read rejects with: whoever asked can be told so, and may try again. */
export function unreadable(cause: unknown): GatewayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError("unavailable", `The store cannot be read: ${why}`);
}
