/**
 * Moves the start of logs, by age and by the bytes of the whole topic. It works on entries, a page
 * at a time: one write moves the trim point and deletes the page's keys. Records are never changed.
 *
 * 1. The start never passes the entry from which a restart replays producer state (`replayFrom`).
 * 2. By bytes, the oldest entries of all stripes go first, to within `LOG.retentionApartMs`.
 */

import { assert } from "../assert.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG, STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Mutation, Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";
import type { Topic } from "../types.ts";
import type { DecodedEntry } from "./entry.ts";
import { EntryMissing, scanEntries } from "./entry_scan.ts";
import { decodeTrim, encodeTrim, type Trim, trimmed } from "./head.ts";
import type { Stripe } from "./stripe.ts";

/** What retention needs to know of one topic. */
export interface Retained {
  readonly topic: Topic;
  readonly stripes: readonly Stripe[];
  /** Makes a snapshot, so that `replayFrom` rises to the stripe's head. */
  snapshot(stripe: Stripe): Promise<void>;
}

/** Trims the topic to its policy for a limited time. Returns whether there is more to trim. */
export async function retain(
  store: Store,
  host: Host,
  retained: Retained,
  signal: AbortSignal,
): Promise<boolean> {
  const { topic, stripes } = retained;
  if (topic.retentionMs === undefined && topic.retentionBytes === undefined) return false;
  for (let before = -1; !signal.aborted;) {
    // Other gateways trim too: with old trim points, too much might be deleted.
    for (const stripe of stripes) await stripe.refreshTrim(store);
    const gone = stripes.reduce((sum, { trim }) => sum + trim.entry, 0);
    assert(gone > before, "an entry that is not there any more was trimmed");
    before = gone;
    try {
      return await retainKnown(store, host, retained, signal);
    } catch (error) {
      if (!(error instanceof EntryMissing)) throw error; // another gateway was faster: tries again
    }
  }
  return true;
}

/** Trims the topic, assuming that its trim points are up to date. */
async function retainKnown(
  store: Store,
  host: Host,
  retained: Retained,
  signal: AbortSignal,
): Promise<boolean> {
  const { topic, stripes } = retained;
  const left = new Set(stripes);
  for (let writes = 0; writes < LOG.retentionWrites && !signal.aborted;) {
    const [oldest, next] = await byAge(store, left);
    if (!oldest) return false;
    const { stripe } = oldest;
    const outlook = {
      bytes: bytesOf(stripes),
      now: host.clock.now(),
      othersFrom: next?.time ?? Infinity,
    };
    if (!isOver(topic, oldest.time, outlook)) return false; // the usual case: reads no page
    const { entry: from } = stripe.trim;
    const page = await scanEntries(store, stripe, from, stripe.head.entries, LOG.readBytes);
    const doomed = expired(topic, page, outlook);
    if (doomed.length === 0) return false;
    if (from + doomed.length > stripe.replayFrom) await retained.snapshot(stripe);
    const replayable = doomed.slice(0, Math.max(0, stripe.replayFrom - from));
    const allowed = inOneWrite(replayable);
    if (allowed.length === 0) {
      left.delete(stripe);
      continue;
    }
    await trim(store, host, stripe, allowed);
    writes++;
    await sleep(host.clock, LOG.deletePauseMs);
  }
  return true;
}

/** As many of them as one write can delete. */
function inOneWrite(doomed: readonly DecodedEntry[]): readonly DecodedEntry[] {
  let keys = 0;
  const end = doomed.findIndex(({ chunks }) => (keys += chunks) > LOG.deleteKeys);
  return end < 0 ? doomed : doomed.slice(0, end);
}

/** What decides, besides a page of entries, which of them are kept. */
interface Outlook {
  /** Of the whole topic. */
  readonly bytes: number;
  readonly now: number;
  /** When the oldest entry of all other stripes was appended. */
  readonly othersFrom: number;
}

/** The oldest entries of a page, as far as the policy does not keep them. */
export function expired(
  topic: Topic,
  page: readonly DecodedEntry[],
  outlook: Outlook,
): readonly DecodedEntry[] {
  let { bytes } = outlook;
  let count = 0;
  for (const { time, sections } of page) {
    if (!isOver(topic, time, { ...outlook, bytes })) break;
    bytes -= sections.reduce((sum, { payload }) => sum + payload.length, 0);
    count++;
  }
  return page.slice(0, count);
}

/** Whether the policy no longer keeps a stripe's oldest entry, which was appended at `time`. */
function isOver(topic: Topic, time: number, { bytes, now, othersFrom }: Outlook): boolean {
  const { retentionMs = Infinity, retentionBytes = Infinity } = topic;
  if (time < now - retentionMs) return true;
  return bytes > retentionBytes && time <= othersFrom + LOG.retentionApartMs;
}

/** The stripes that have entries, by the time of their first entry. */
async function byAge(store: Store, stripes: Iterable<Stripe>) {
  const found: { readonly stripe: Stripe; readonly time: number }[] = [];
  for (const stripe of stripes) {
    const time = await stripe.oldestTime(store);
    if (time !== undefined) found.push({ stripe, time });
  }
  return found.sort((a, b) => a.time - b.time);
}

async function trim(
  store: Store,
  host: Host,
  stripe: Stripe,
  doomed: readonly DecodedEntry[],
): Promise<void> {
  const key = keys.trim(stripe.topic.id, stripe.index);
  const from = stripe.trim.entry;
  const moved: Trim = doomed.reduce(trimmed, stripe.trim);
  const mutations: Mutation[] = [{ type: "set", key, value: encodeTrim(moved) }];
  for (const [i, { chunks }] of doomed.entries()) {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const doomedKey = keys.entry(stripe.topic.id, stripe.index, from + i, chunk);
      mutations.push({ type: "delete", key: doomedKey });
    }
  }
  assert(mutations.length <= STORE.mutations, "a page of entries has fewer keys than a write");
  await transact(store, host, {
    load: async () => {
      const [entry] = await store.read([key]);
      assert(entry?.value, "a topic that is retained has trim points");
      const stands = decodeTrim(entry.value).entry === from;
      return { checks: [{ key, version: entry.version }], stands };
    },
    decide: ({ stands }) => ({ mutations: stands ? mutations : [], result: undefined }),
  });
  await stripe.refreshTrim(store);
}

function bytesOf(stripes: readonly Stripe[]): number {
  let bytes = 0;
  for (const { head, trim } of stripes) {
    for (let i = 0; i < head.next.length; i++) bytes += (head.bytes[i] ?? 0) - (trim.bytes[i] ?? 0);
  }
  return bytes;
}
