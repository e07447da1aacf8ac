/**
 * One stripe of a topic in memory: its head and trim point as they are in the store, and its
 * producer state. All of it is derived from stored entries, in the same way whether this gateway
 * wrote them, another one did, or a restart reads them. So a rebuilt stripe equals the live one.
 *
 * 1. `head` is the stored head at `headVersion`: an append that checks this version is the next
 *    one.
 * 2. `dedupe` has applied exactly the entries before `head.entries`.
 * 3. `tail` has the last entries before `head.entries` without a gap, as many as there is room for:
 *    followers read them there, also right after a restart.
 */

import { assert } from "../assert.ts";
import { LOG } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import type { Topic } from "../types.ts";
import { Dedupe } from "./dedupe.ts";
import type { DecodedEntry } from "./entry.ts";
import type { EntryCache } from "./entry_cache.ts";
import { EntryMissing, scanEntries } from "./entry_scan.ts";
import {
  advance,
  decodeHead,
  decodeTrim,
  emptyHead,
  emptyTrim,
  type Head,
  type Trim,
} from "./head.ts";
import { type LogEntry, logEntry, memoryBytes } from "./log_entry.ts";
import type { Bounds, Section } from "./section.ts";
import { loadSnapshot } from "./snapshots.ts";
import { stripeWidth, unknownTopic } from "./topics.ts";

export class Stripe {
  readonly topic: Topic;
  readonly index: number;
  /** The first partition of the stripe. */
  readonly first: number;
  head: Head;
  headVersion: string | null = null;
  trim: Trim;
  readonly dedupe = new Dedupe();
  /** Bytes of entries that a restart would replay for the producer state. */
  bytesToReplay = 0;
  /** The size of the last snapshot. */
  snapshotBytes = 0;
  /** The entry from which a restart would replay: retention stops here. */
  replayFrom = 0;
  #oldest: { readonly entry: number; readonly time: number } | undefined;

  readonly #tail: EntryCache;

  private constructor(topic: Topic, index: number, tail: EntryCache) {
    const width = stripeWidth(topic.partitions);
    this.#tail = tail;
    this.topic = topic;
    this.index = index;
    this.first = index * width;
    const partitions = Math.min(width, topic.partitions - this.first);
    this.head = emptyHead(partitions);
    this.trim = emptyTrim(partitions);
  }

  /** Loads the stripe from the store; `unknown_topic` if it was deleted. */
  static async load(store: Store, topic: Topic, index: number, tail: EntryCache): Promise<Stripe> {
    const stripe = new Stripe(topic, index, tail);
    await stripe.#rebuild(store, (decoded, number) => stripe.#keep(decoded, number));
    return stripe;
  }

  get partitions(): number {
    return this.head.next.length;
  }

  bounds(partition: number): Bounds {
    const at = partition - this.first;
    return {
      start: this.trim.start[at] ?? 0,
      next: this.head.next[at] ?? 0,
      bytes: (this.head.bytes[at] ?? 0) - (this.trim.bytes[at] ?? 0),
    };
  }

  /** Applies an entry that was stored as the next one, at this version; returns its sections. */
  apply(decoded: DecodedEntry, version: string): readonly Section[] {
    this.#learn(decoded);
    const { sections } = this.#keep(decoded, this.head.entries);
    this.head = advance(this.head, decoded);
    this.headVersion = version;
    return sections;
  }

  /**
   * Learns what other gateways have written, up to the head that was read, and returns it.
   * Undefined if retention has already removed some of it, or it is too much for memory: the stripe
   * is up to date then, but without the sections.
   */
  async refresh(store: Store, entry: Entry): Promise<readonly Section[] | undefined> {
    if (!entry.value) throw unknownTopic(this.topic.name);
    if (entry.version === this.headVersion) return [];
    const head = decodeHead(entry.value);
    const from = this.head.entries;
    const learned = await this.#scan(store, from, head.entries);
    if (!learned) {
      await this.#rebuild(store);
      return undefined;
    }
    for (const decoded of learned) this.#learn(decoded);
    const kept = learned.map((decoded, i) => this.#keep(decoded, from + i));
    this.head = head;
    this.headVersion = entry.version;
    return kept.flatMap(({ sections }) => sections);
  }

  /** When its first entry was appended; undefined if it has none. */
  async oldestTime(store: Store): Promise<number | undefined> {
    const { entry } = this.trim;
    if (entry >= this.head.entries) return undefined;
    if (this.#oldest?.entry !== entry) {
      const [decoded] = await scanEntries(store, this, entry, entry + 1, 1);
      assert(decoded, "a scan finds an entry or throws");
      this.#oldest = { entry, time: decoded.time };
    }
    return this.#oldest.time;
  }

  /** Rereads the trim point, which retention may have moved. */
  async refreshTrim(store: Store): Promise<void> {
    this.#moveTrim((await this.#read(store)).trim);
  }

  /** Reads may finish out of order: an older trim point is ignored. */
  #moveTrim(trim: Trim): void {
    if (trim.entry > this.trim.entry) this.trim = trim;
  }

  /**
   * Loads the stripe as a restart does: the snapshot of producers, and the entries after it. What
   * was known stays known, since applying an entry twice changes nothing. Nobody may read what
   * `keep` caches before this is complete.
   */
  async #rebuild(
    store: Store,
    keep: (decoded: DecodedEntry, number: number) => void = () => {},
  ): Promise<void> {
    for (let before = -1;;) {
      const { head, headVersion, trim } = await this.#read(store);
      const snapshot = await loadSnapshot(store, this);
      const from = Math.max(trim.entry, snapshot);
      assert(from > before, "an entry that is not there any more was trimmed");
      before = from;
      this.#tail.drop(this);
      this.bytesToReplay = 0;
      try {
        await this.#replay(store, from, head.entries, keep);
      } catch (error) {
        // Retention has removed it: then there is a newer snapshot.
        if (error instanceof EntryMissing) continue;
        throw error;
      }
      await this.#requireNothingBehind(store, head, headVersion);
      this.head = head;
      this.headVersion = headVersion;
      this.#moveTrim(trim);
      this.replayFrom = from;
      return;
    }
  }

  /** Were the head older than its entries, the next append would overwrite one of them. */
  async #requireNothingBehind(
    store: Store,
    { entries }: Head,
    headVersion: string | null,
  ): Promise<void> {
    const { topic, index } = this;
    const [head, behind] = await store.read([
      keys.head(topic.id, index),
      keys.entry(topic.id, index, entries, 0),
    ]);
    const isNewer = head?.version !== headVersion; // another gateway has appended meanwhile
    assert(isNewer || !behind?.value, "nothing stands behind the head of a log");
  }

  async #read(store: Store): Promise<{ head: Head; headVersion: string | null; trim: Trim }> {
    const [head, trim] = await store.read([
      keys.head(this.topic.id, this.index),
      keys.trim(this.topic.id, this.index),
    ]);
    if (!head?.value || !trim?.value) throw unknownTopic(this.topic.name);
    const headVersion = head.version;
    return { head: decodeHead(head.value), headVersion, trim: decodeTrim(trim.value) };
  }

  /** Undefined if retention has removed some of it, or it is too much for memory. */
  async #scan(store: Store, from: number, to: number): Promise<DecodedEntry[] | undefined> {
    const entries: DecodedEntry[] = [];
    let bytes = 0;
    try {
      while (from + entries.length < to) {
        const page = await scanEntries(store, this, from + entries.length, to, LOG.readBytes);
        bytes += page.reduce((sum, entry) => sum + memoryBytes(entry), 0);
        if (bytes > LOG.cacheBytes) return undefined;
        entries.push(...page);
      }
      return entries;
    } catch (error) {
      if (!(error instanceof EntryMissing)) throw error;
      return undefined;
    }
  }

  async #replay(
    store: Store,
    from: number,
    to: number,
    keep: (decoded: DecodedEntry, number: number) => void,
  ): Promise<void> {
    for (let number = from; number < to;) {
      const page = await scanEntries(store, this, number, to, LOG.readBytes);
      for (const decoded of page) {
        this.#learn(decoded);
        keep(decoded, number++);
      }
    }
  }

  #learn(decoded: DecodedEntry): void {
    this.bytesToReplay += decoded.bytes;
    decoded.publishes(this.dedupe);
  }

  #keep(decoded: DecodedEntry, number: number): LogEntry {
    const entry = logEntry(this, number, decoded);
    this.#tail.add(this, entry);
    return entry;
  }
}
