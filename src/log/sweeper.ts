/**
 * Frees the space of deleted topics: their entries, snapshots and begins, a bounded number of keys at
 * a time and with a pause, so that nobody notices. The mark that a deletion leaves is taken away
 * last, so a sweep that was cut short is taken up by the next one.
 */

import { assert } from "../assert.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Key, Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";

/** Sweeps all topics that are marked as deleted. */
export async function sweepDeleted(store: Store, host: Host, signal: AbortSignal): Promise<void> {
  for (const mark of await store.scan({ prefix: keys.allGone(), limit: LOG.deleteKeys })) {
    const topic = String(mark.key.at(-1));
    for (const prefix of [keys.entriesOf(topic), keys.snapshotsOf(topic), keys.trimsOf(topic)]) {
      while (!signal.aborted && await sweepPage(store, host, mark.key, prefix)) {
        await sleep(host.clock, LOG.deletePauseMs);
      }
    }
    if (signal.aborted) return;
    await free(store, host, mark.key, [mark.key]);
  }
}

async function sweepPage(store: Store, host: Host, mark: Key, prefix: Key): Promise<boolean> {
  const page = await store.scan({ prefix, limit: LOG.deleteKeys });
  if (page.length > 0) await free(store, host, mark, page.map(({ key }) => key));
  return page.length > 0;
}

/** Deletes these keys while the mark stands. */
async function free(store: Store, host: Host, mark: Key, doomed: readonly Key[]): Promise<void> {
  await transact(store, host, {
    load: async () => {
      const [entry] = await store.read([mark]);
      assert(entry, "a read answers every key");
      return { checks: [{ key: mark, version: entry.version }], stands: entry.version !== null };
    },
    decide: ({ stands }) => ({
      mutations: stands ? doomed.map((key) => ({ type: "delete" as const, key })) : [],
      result: undefined,
    }),
  });
}
