/**
 * The live cursors of every partition: those that were sent all there is. What is appended is
 * delivered to them at once, from memory; cursors that are behind or without credit are not here
 * and cost nothing.
 *
 * Cursors with keys are indexed by key: a record costs one lookup, however many of them there are.
 */

import type { Clock } from "../host/host.ts";
import { LOG } from "../limits.ts";
import type { LogListener } from "../log/log.ts";
import type { Bounds, Section, Slice, Wanted } from "../log/section.ts";
import type { Offset, Topic } from "../types.ts";
import type { Cursor } from "./cursor.ts";
import { keysOf } from "./encoded.ts";
import { Feed, type FeedOptions, type Sink } from "./feed.ts";
import { Latest } from "./latest.ts";
import { Pace } from "./pace.ts";
import { Readers } from "./readers.ts";

/** What fan-out needs of the log. */
export interface ReadableLog {
  /** Something is being written, or waits for that. */
  readonly isWriting: boolean;
  known(topic: Topic, partition: number): Bounds | undefined;
  cached(topic: Topic, partition: number, from: Offset): readonly Section[] | undefined;
  read(topic: Topic, partition: number, wanted: Wanted): Promise<Slice>;
}

/** The cursors that are live at one partition. */
interface Followers {
  readonly all: Set<Cursor>;
  readonly byKey: Map<string, Set<Cursor>>;
  /** Everything before this offset was delivered. */
  delivered: Offset;
}

export class Hub implements LogListener {
  readonly log: ReadableLog;
  readonly pace: Pace;
  readonly latest: Latest;
  readonly readers: Readers;
  /** By topic's incarnation and partition. */
  readonly #followers = new Map<string, Followers>();
  readonly #feeds = new Set<Feed>();
  /** Feeds whose reads have failed. */
  readonly #failed = new Set<Feed>();
  #retryAt = 0;

  constructor(log: ReadableLog, clock: Clock) {
    this.log = log;
    this.pace = new Pace(clock);
    this.latest = new Latest(log, this.pace);
    this.readers = new Readers(this.pace, clock, log);
  }

  /** Makes a subscription's feed. It follows nothing yet. */
  open(options: FeedOptions, sink: Sink): Feed {
    const feed = new Feed(this, options, sink);
    this.#feeds.add(feed);
    return feed;
  }

  forget(feed: Feed): void {
    this.#feeds.delete(feed);
    this.#failed.delete(feed);
  }

  /** A feed's read has failed: it is told when to try again. */
  failed(feed: Feed): void {
    this.#failed.add(feed);
  }

  /** Lets feeds whose reads have failed try again. `now` is on the monotonic clock. */
  tick(now: number): void {
    if (now < this.#retryAt || this.#failed.size === 0) return;
    this.#retryAt = now + LOG.rereadMs;
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const feed of failed) feed.resume();
  }

  appended(sections: readonly Section[]): void {
    for (const section of sections) {
      const followers = this.#followers.get(nameOf(section.topic, section.partition));
      if (!followers) continue;
      for (const cursor of followers.all) cursor.feed.deliver(cursor, section);
      if (followers.byKey.size > 0) deliverByKey(followers.byKey, section);
      followers.delivered = section.next;
    }
  }

  skipped(topic: Topic, partition: number): void {
    const followers = this.#followers.get(nameOf(topic, partition));
    if (!followers) return;
    const cursors = new Set(followers.all);
    for (const ofKey of followers.byKey.values()) for (const cursor of ofKey) cursors.add(cursor);
    for (const cursor of cursors) cursor.feed.behind(cursor);
  }

  /** The topic was deleted: tells the feeds that follow it. */
  removed(topic: Topic): void {
    for (const feed of this.#feeds) feed.topicRemoved(topic);
  }

  /** The cursor has reached the end of the log: from now on it gets what is appended. */
  join(cursor: Cursor): void {
    const followers = this.#followersAt(cursor);
    if (!cursor.keys) {
      followers.all.add(cursor);
      return;
    }
    for (const key of cursor.keys) {
      let cursors = followers.byKey.get(key);
      if (!cursors) followers.byKey.set(key, cursors = new Set());
      cursors.add(cursor);
    }
  }

  leave(cursor: Cursor): void {
    const name = nameOf(cursor.topic, cursor.partition);
    const followers = this.#followers.get(name);
    if (!followers) return;
    followers.all.delete(cursor);
    for (const key of cursor.keys ?? []) {
      const cursors = followers.byKey.get(key);
      cursors?.delete(cursor);
      if (cursors?.size === 0) followers.byKey.delete(key);
    }
    if (followers.all.size === 0 && followers.byKey.size === 0) this.#followers.delete(name);
  }

  /** The offset up to which a live cursor was sent its records. */
  deliveredTo({ topic, partition, next }: Cursor): Offset {
    return this.#followers.get(nameOf(topic, partition))?.delivered ?? next;
  }

  #followersAt({ topic, partition, next }: Cursor): Followers {
    const name = nameOf(topic, partition);
    let followers = this.#followers.get(name);
    if (!followers) {
      followers = { all: new Set(), byKey: new Map(), delivered: next };
      this.#followers.set(name, followers);
    }
    return followers;
  }
}

function nameOf(topic: Topic, partition: number): string {
  return `${topic.id}/${partition}`;
}

function deliverByKey(byKey: ReadonlyMap<string, ReadonlySet<Cursor>>, section: Section): void {
  const found = new Map<Cursor, number[]>();
  for (const [i, key] of keysOf(section).entries()) {
    const cursors = key === undefined ? undefined : byKey.get(key);
    if (!cursors) continue;
    for (const cursor of cursors) {
      const records = found.get(cursor);
      if (records) records.push(i);
      else found.set(cursor, [i]);
    }
  }
  for (const [cursor, records] of found) cursor.feed.deliver(cursor, section, records);
}
