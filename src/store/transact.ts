/**
 * The only place that knows what a failed write means.
 *
 * A "conflict" or a missing answer proves little: the reply can be lost after the write was stored,
 * the request can arrive after we gave up, or a client library can have sent it twice. `settle`
 * finds out which it was, by two observations in this order:
 *
 * 1. The keys of the checks. If one no longer has the version that the write requires, the write
 *    can never be stored from now on, since versions never return.
 * 2. Only then the evidence: a key whose value identifies this very write. If it is there, the
 *    write was stored; if not, it was not stored before the first observation, and so never will
 *    be.
 *
 * While all checks still hold, the write may still be stored, so nobody can be told that nothing
 * happened. Then the same write is sent again, under the same checks: at most one of the two is
 * stored.
 *
 * The caller must ensure three things:
 * - the write changes a key that it checks; if not, both may be stored, and it must be idempotent;
 * - nobody overwrites or deletes the evidence while its write is being settled; without evidence
 *   "not stored" means only that it never will be from now on;
 * - "no value" is not a version: it returns when the value is deleted. A value that is created
 *   under such a check carries an id of its own, so that it is never taken for an earlier one.
 */

import { GatewayError } from "../errors.ts";
import { type Host, sleep } from "../host/host.ts";
import type { Check, Key, Mutation, Store, Write } from "./store.ts";

/** A key whose value tells whether a write was stored. */
export interface Evidence {
  readonly key: Key;
  /**
   * Other places of the evidence: the value at one key may be deleted meanwhile, but not at all of
   * them.
   */
  readonly also?: readonly Key[];
  readonly holds: (value: Uint8Array) => boolean;
}

export type Settled =
  | { readonly stored: true; readonly version: string }
  /** It was not stored, and never will be. */
  | { readonly stored: false };

export interface SettleOptions {
  readonly deadlineMs: number;
  /** Called once if the outcome is not known by then; settling goes on. */
  readonly overdue?: () => void;
  readonly signal?: AbortSignal;
}

/** Thrown when settling was given up: the outcome remains unknown. */
export class Unsettled extends Error {
  override readonly name = "Unsettled";
}

const BACKOFF_MS = 20;
const BACKOFF_MAX_MS = 1_000;
const TRANSACT_MS = 5_000;

/** Sends a write until it is certain whether it is stored. */
export async function settle(
  store: Store,
  host: Host,
  write: Write,
  evidence: Evidence | undefined,
  options: SettleOptions,
): Promise<Settled> {
  const { deadlineMs, overdue = () => {}, signal } = options;
  const begun = host.clock.monotonic();
  let result = await store.write(write);
  // Nearly every write ends here; only the others pay for a timer.
  if (result.outcome === "stored") return { stored: true, version: result.version };
  const leftMs = Math.max(0, begun + deadlineMs - host.clock.monotonic());
  const disarm = host.clock.after(leftMs, overdue);
  try {
    for (let tries = 0;; tries++) {
      const settled = await observe(store, write, evidence);
      if (settled) return settled;
      if (signal?.aborted) throw new Unsettled("Gave up before the outcome was certain");
      await backOff(host, tries);
      result = await store.write(write);
      if (result.outcome === "stored") return { stored: true, version: result.version };
    }
  } finally {
    disarm();
  }
}

/** What is certain about a write that was not answered "stored"; undefined if nothing is. */
async function observe(
  store: Store,
  write: Write,
  evidence: Evidence | undefined,
): Promise<Settled | undefined> {
  try {
    const stands = await allStand(store, write.checks);
    const version = evidence && await versionOf(store, evidence);
    if (version) return { stored: true, version };
    return stands ? undefined : { stored: false };
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}

async function allStand(store: Store, checks: readonly Check[]): Promise<boolean> {
  const entries = await store.read(checks.map(({ key }) => key));
  return checks.every(({ version }, i) => entries[i]?.version === version);
}

async function versionOf(
  store: Store,
  { key, also = [], holds }: Evidence,
): Promise<string | undefined> {
  for (const { value, version } of await store.read([key, ...also])) {
    if (value && version && holds(value)) return version;
  }
  return undefined;
}

function backOff(host: Host, tries: number): Promise<void> {
  const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** tries);
  return sleep(host.clock, longest * (0.5 + host.random.number() / 2));
}

/** What an operation has read: at least the checks under which it may write. */
export interface Loaded {
  readonly checks: readonly Check[];
}

export interface Decision<T> {
  /** If empty, there is nothing to write, and the result is final. */
  readonly mutations: readonly Mutation[];
  readonly evidence?: Evidence;
  /** The write was stored, at this version. */
  readonly stored?: (version: string) => void;
  /** It was answered `timeout`; the outcome of the write is certain when this resolves. */
  readonly inDoubt?: (settling: Promise<Settled | undefined>) => void;
  readonly result: T;
}

export interface Transaction<S extends Loaded, T> {
  readonly load: () => Promise<S>;
  /**
   * Decides on what was read, or throws the error to reply with. It may be called again after a
   * write that could not be told apart from a later one, so it must decide the same whether the
   * write was stored or not: by the ids that it carries.
   */
  readonly decide: (loaded: S) => Decision<T>;
}

/**
 * Reads, decides, and writes if nothing changed meanwhile; if something did, starts again while
 * there is time.
 */
export async function transact<S extends Loaded, T>(
  store: Store,
  host: Host,
  transaction: Transaction<S, T>,
): Promise<T> {
  const deadline = host.clock.monotonic() + TRANSACT_MS;
  // A conflict without evidence may come from a write that was stored and overwritten since.
  let mayBeStored = false;
  for (let tries = 0;; tries++) {
    const loaded = await loadUntil(host, transaction, deadline, mayBeStored);
    const { mutations, evidence, stored, inDoubt, result } = transaction.decide(loaded);
    if (mutations.length === 0) return result;
    const leftMs = Math.max(0, deadline - host.clock.monotonic());
    const write = { checks: loaded.checks, mutations };
    const settled = await settleWithin(store, host, write, evidence, leftMs, inDoubt);
    if (settled.stored) {
      stored?.(settled.version);
      return result;
    }
    mayBeStored ||= evidence === undefined;
    if (host.clock.monotonic() >= deadline) {
      throw tooLate(mayBeStored, "Others changed the same at every attempt");
    }
    await backOff(host, Math.min(tries, 4));
  }
}

async function loadUntil<S extends Loaded, T>(
  host: Host,
  { load }: Transaction<S, T>,
  deadline: number,
  mayBeStored: boolean,
): Promise<S> {
  for (let tries = 0;; tries++) {
    try {
      return await load();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (host.clock.monotonic() >= deadline) throw tooLate(mayBeStored, error.message);
      await backOff(host, tries);
    }
  }
}

/** The outcome of a write. If it is not certain in time: `timeout`, while settling goes on. */
function settleWithin(
  store: Store,
  host: Host,
  write: Write,
  evidence: Evidence | undefined,
  deadlineMs: number,
  inDoubt: Decision<unknown>["inDoubt"],
): Promise<Settled> {
  return new Promise((resolve, reject) => {
    const overdue = () => {
      reject(tooLate(true, "The store did not answer in time"));
      inDoubt?.(settling.catch(() => undefined));
    };
    const settling = settle(store, host, write, evidence, { deadlineMs, overdue });
    settling.then(resolve, reject);
  });
}

/** `unavailable` promises that nothing happened, so it is returned only where that is certain. */
function tooLate(mayBeStored: boolean, why: string): GatewayError {
  return new GatewayError(mayBeStored ? "timeout" : "unavailable", why);
}

/** The store cannot be read for now. Any other error is a bug, or a refusal. */
function isUnavailable(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === "unavailable";
}
