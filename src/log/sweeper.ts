/**
 * Frees the space of deleted topics: their entries, snapshots and trim points, a bounded number of
 * keys at a time, with pauses. The tombstone that a deletion leaves goes last, so that the next
 * sweep resumes one that was interrupted.
 *
 * The tombstone outlives the sweep for a while: the write that made the topic may have been sent
 * twice, and arrive again after the deletion. It is conditional on there being no tombstone.
 * Committed offsets of the topic are deleted along with the tombstone, since groups go on
 * committing until all have heard of the deletion.
 */

import { assert } from "../assert.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG } from "../limits.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Key, Store } from "../store/store.ts";
import { transact } from "../store/transact.ts";

/** A scan of all committed offsets for those of deleted topics, and how far it is. */
interface Walk {
  readonly tombstones: ReadonlyMap<string, Key>;
  readonly last: Key | undefined;
}

export class Sweeper {
  readonly #store: Store;
  readonly #host: Host;
  /** Deleted topics of which only the tombstone is left, and since when, on the monotonic clock. */
  #clean = new Map<string, number>();
  /** When to look for deletions of which this gateway has not heard, on the monotonic clock. */
  #lookAt = -Infinity;
  /**
   * When tombstones may be deleted next, on the monotonic clock. Many at a time, since all offsets
   * are scanned for them.
   */
  #freeAt = -Infinity;
  #walk: Walk | undefined;
  #pagesLeft = 0;

  constructor(store: Store, host: Host) {
    this.#store = store;
    this.#host = host;
  }

  /** A topic was deleted. */
  wake(): void {
    this.#lookAt = -Infinity;
  }

  /** Sweeps deleted topics, if there may be any, for a limited time: the rest comes later. */
  async sweep(signal: AbortSignal): Promise<void> {
    const now = this.#host.clock.monotonic();
    if (now < this.#lookAt) return;
    this.#lookAt = now + LOG.tombstoneKeptMs;
    this.#pagesLeft = LOG.sweepPages;
    try {
      await this.#sweepDeleted(now, signal);
    } catch (error) {
      this.wake();
      throw error;
    }
  }

  async #sweepDeleted(now: number, signal: AbortSignal): Promise<void> {
    const clean = new Map<string, number>();
    const over = new Map<string, Key>();
    for await (const { key } of scanAll(this.#store, keys.allTombstones())) {
      const topic = String(key.at(-1));
      const since = this.#clean.get(topic);
      if (since === undefined) await this.#sweepTopic(topic, key, signal);
      if (signal.aborted || this.#pagesLeft === 0) {
        this.#clean = new Map([...this.#clean, ...clean]);
        return this.wake();
      }
      clean.set(topic, since ?? now);
      if (since !== undefined && since + LOG.tombstoneKeptMs <= now) over.set(topic, key);
    }
    this.#clean = clean;
    if (over.size > 0 && now >= this.#freeAt) this.#walk ??= { tombstones: over, last: undefined };
    if (this.#walk) await this.#freeTombstones(this.#walk, signal);
  }

  /** Deletes committed offsets of these topics, then the tombstones. */
  async #freeTombstones({ tombstones, last }: Walk, signal: AbortSignal): Promise<void> {
    for (; this.#pagesLeft > 0 && !signal.aborted; this.#pagesLeft--) {
      const start = last ? { start: [...last, ""] } : {};
      const range = { prefix: keys.allOffsets(), ...start, limit: LOG.sweepOffsets };
      const page = (await this.#store.scan(range)).map(({ key }) => key);
      for (const [topic, tombstone] of tombstones) {
        const doomed = page.filter(([, , topicId]) => topicId === topic);
        if (doomed.length > 0) await this.#free(tombstone, doomed);
      }
      last = page.at(-1);
      if (!last) {
        for (const tombstone of tombstones.values()) await this.#free(tombstone, [tombstone]);
        this.#walk = undefined;
        this.#freeAt = this.#host.clock.monotonic() + LOG.tombstoneKeptMs;
        return;
      }
      this.#walk = { tombstones, last };
      await sleep(this.#host.clock, LOG.deletePauseMs);
    }
    this.wake();
  }

  async #sweepTopic(topic: string, tombstone: Key, signal: AbortSignal): Promise<void> {
    for (const prefix of [keys.entriesOf(topic), keys.snapshotsOf(topic), keys.trimsOf(topic)]) {
      for (
        let limit: number = LOG.sweepKeys;
        !signal.aborted && this.#pagesLeft > 0;
        this.#pagesLeft--
      ) {
        const bytes = await this.#sweepPage(tombstone, prefix, limit);
        if (bytes === undefined) break;
        // Small values are deleted in larger pages.
        limit = Math.min(LOG.deleteKeys, Math.ceil(limit * LOG.readBytes / Math.max(1, bytes)));
        limit = Math.max(LOG.sweepKeys, limit);
        await sleep(this.#host.clock, LOG.deletePauseMs);
      }
    }
  }

  /** Deletes a page. Returns how many bytes it had; undefined if there was nothing. */
  async #sweepPage(tombstone: Key, prefix: Key, limit: number): Promise<number | undefined> {
    const page = await this.#store.scan({ prefix, limit });
    if (page.length === 0) return undefined;
    await this.#free(tombstone, page.map(({ key }) => key));
    return page.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  }

  /** Deletes these keys, provided that the tombstone is there. */
  async #free(tombstone: Key, doomed: readonly Key[]): Promise<void> {
    await transact(this.#store, this.#host, {
      load: async () => {
        const [entry] = await this.#store.read([tombstone]);
        assert(entry, "a read answers every key");
        const { version } = entry;
        return { checks: [{ key: tombstone, version }], stands: version !== null };
      },
      decide: ({ stands }) => ({
        mutations: stands ? doomed.map((key) => ({ type: "delete" as const, key })) : [],
        result: undefined,
      }),
    });
  }
}
