/**
 * One stripe of a topic in memory: its head and begin as they are in the store, and what is known of
 * its producers. All of it is derived from what is stored, by one way only: `apply`, for an entry
 * that this gateway wrote, that another one wrote, or that a restart finds. So what is rebuilt
 * equals what was live.
 *
 * 1. `head` is what stood in the store at `headVersion`: an append under a check of it is the next.
 * 2. `producers` knows exactly the entries before `head.entries`.
 */

import { assert } from "../assert.ts";
import { LOG } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import type { Topic } from "../types.ts";
import { Dedupe } from "./dedupe.ts";
import type { DecodedEntry } from "./entry.ts";
import { advance, decodeHead, decodeTrim, type Head, type Trim } from "./head.ts";
import { scanEntries } from "./entries.ts";
import type { Bounds } from "./section.ts";
import { loadSnapshot } from "./snapshots.ts";
import { stripeWidth, unknownTopic } from "./topics.ts";

export class Stripe {
  readonly topic: Topic;
  readonly index: number;
  /** The topic's partition that is this stripe's first. */
  readonly first: number;
  head: Head;
  headVersion: string | null;
  trim: Trim;
  trimVersion: string | null;
  readonly producers = new Dedupe();
  /** Bytes of entries that a restart would have to read to know the producers. */
  bytesToReplay = 0;
  /** What the last snapshot took. */
  snapshotBytes = 0;
  /** Entry from which on a restart would have to read: retention stops here. */
  replayFrom = 0;
  #oldest: { readonly entry: number; readonly time: number } | undefined;

  private constructor(topic: Topic, index: number, head: Entry, trim: Entry) {
    if (!head.value || !trim.value) throw unknownTopic(topic.name);
    this.topic = topic;
    this.index = index;
    this.first = index * stripeWidth(topic.partitions);
    this.head = decodeHead(head.value);
    this.headVersion = head.version;
    this.trim = decodeTrim(trim.value);
    this.trimVersion = trim.version;
  }

  /** Reads the stripe as it is; `unknown_topic` if it has been deleted. */
  static async load(store: Store, topic: Topic, index: number): Promise<Stripe> {
    const [head, trim] = await store.read([
      keys.head(topic.id, index),
      keys.trim(topic.id, index),
    ]);
    assert(head && trim, "a read answers every key");
    const stripe = new Stripe(topic, index, head, trim);
    const snapshot = await loadSnapshot(store, stripe);
    stripe.replayFrom = Math.max(stripe.trim.entry, snapshot);
    await stripe.#replay(store, stripe.replayFrom, stripe.head.entries);
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

  /** The entry is stored as the next one, at this version. */
  apply(decoded: DecodedEntry, version: string): void {
    this.head = advance(this.head, decoded);
    this.headVersion = version;
    this.#learn(decoded);
  }

  /** Others have written: learns it from where its head stands now, and returns it. */
  async refresh(store: Store, entry: Entry): Promise<readonly DecodedEntry[]> {
    if (!entry.value) throw unknownTopic(this.topic.name);
    if (entry.version === this.headVersion) return [];
    const head = decodeHead(entry.value);
    const learned = await this.#scan(store, this.head.entries, head.entries);
    for (const decoded of learned) this.#learn(decoded);
    this.head = head;
    this.headVersion = entry.version;
    return learned;
  }

  /** When its first kept entry was appended; undefined if it keeps none. */
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

  /** Retention, or a deletion, has passed a reader: learns where the log begins now. */
  async refreshTrim(store: Store): Promise<void> {
    const [head, trim] = await store.read([
      keys.head(this.topic.id, this.index),
      keys.trim(this.topic.id, this.index),
    ]);
    if (!head?.value || !trim?.value) throw unknownTopic(this.topic.name);
    this.trim = decodeTrim(trim.value);
    this.trimVersion = trim.version;
  }

  async #scan(store: Store, from: number, to: number): Promise<DecodedEntry[]> {
    const entries: DecodedEntry[] = [];
    while (from + entries.length < to) {
      entries.push(...await scanEntries(store, this, from + entries.length, to, LOG.readBytes));
    }
    return entries;
  }

  async #replay(store: Store, from: number, to: number): Promise<void> {
    for (let number = from; number < to;) {
      const page = await scanEntries(store, this, number, to, LOG.readBytes);
      for (const decoded of page) this.#learn(decoded);
      number += page.length;
    }
  }

  #learn(decoded: DecodedEntry): void {
    this.bytesToReplay += decoded.bytes;
    decoded.publishes(this.producers);
  }
}
