/**
 * Delivers to one subscription: a cursor for each partition that it follows, and one credit for all
 * of them. Fan-out subscriptions and group members are served alike.
 *
 *     behind ──has read all there is──► live        in memory or from the store, one partition after
 *        ▲                               │           the other, as far as the credit goes
 *        └──no credit, or no room────────┘
 *
 * 1. All records of a partition below its cursor were pushed, filtered out by `keys`, or reported
 *    in a gap.
 * 2. A cursor becomes live only if its position is the log's end, checked in the same turn.
 * 3. The result of a read is dropped if its cursor was moved or removed meanwhile; no read begins
 *    for a cursor that was moved or removed while it waited for its turn.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import { SESSION } from "../limits.ts";
import type { Section } from "../log/section.ts";
import type { Offset, Topic, TopicPartitionOffset } from "../types.ts";
import { Credit, type CreditGiven } from "./credit.ts";
import type { Cursor, PartitionHead } from "./cursor.ts";
import { type FeedGap, FRAMES, type PushFormat } from "./frames.ts";
import type { Hub } from "./hub.ts";
import type { KeptPortion, Span } from "./latest.ts";
import { type Pick, portionOf, recordsWith } from "./portion.ts";

/** Where pushes go. */
export interface Sink {
  /** There is no room: nothing is pushed until `Feed.resume`. */
  readonly full: boolean;
  push(frame: string | Uint8Array): void;
}

/** What happens to records that were missed while the credit had run out. */
export type OnSlow = "block" | "drop" | "latest";

export interface FeedOptions {
  readonly subscription: number;
  readonly credit?: CreditGiven;
  readonly onSlow?: OnSlow;
  /** Only records with one of these keys, in the form of `keyToken`. */
  readonly keys?: ReadonlySet<string>;
  /** How pushes are written; frames unless given. */
  readonly format?: PushFormat;
  /** The only topic that it may follow. */
  readonly topic?: Topic;
  /** That topic was deleted. */
  readonly ended?: () => void;
}

export class Feed {
  readonly #hub: Hub;
  readonly #sink: Sink;
  readonly #options: FeedOptions;
  readonly #credit: Credit;
  readonly #format: PushFormat;
  /** By topic's name and partition. */
  readonly #cursors = new Map<string, Cursor>();
  /** Those that are not live, and the iterator that serves them in turn. */
  readonly #behind = new Set<Cursor>();
  #turns = this.#behind.values();
  #ranOut: boolean;
  /** Records kept by `onSlow: "latest"` are being read and sent: nothing is sent before them. */
  #isKeeping = false;
  /** Callbacks for when the sink has room. */
  readonly #waiting: (() => void)[] = [];
  #pumping = false;
  #closed = false;

  constructor(hub: Hub, options: FeedOptions, sink: Sink) {
    this.#hub = hub;
    this.#options = options;
    this.#sink = sink;
    this.#credit = new Credit(options.credit);
    this.#format = options.format ?? FRAMES;
    this.#ranOut = this.#credit.isOut;
  }

  get subscription(): number {
    return this.#options.subscription;
  }

  /** How many partitions it follows. */
  get partitionCount(): number {
    return this.#cursors.size;
  }

  /** The topic, if the partition of it is followed. */
  followed(topic: string, partition: number): Topic | undefined {
    return this.#cursors.get(nameOf(topic, partition))?.topic;
  }

  add(topic: Topic, partition: number, offset: Offset): void {
    const { keys } = this.#options;
    this.remove(topic.name, partition);
    const place = { feed: this, topic, partition, keys, next: offset };
    const cursor: Cursor = { ...place, entry: undefined, live: false, moves: 0, named: undefined };
    this.#cursors.set(nameOf(topic.name, partition), cursor);
    this.#behind.add(cursor);
    this.#pump();
  }

  remove(topic: string, partition: number): void {
    const name = nameOf(topic, partition);
    const cursor = this.#cursors.get(name);
    if (!cursor) return;
    this.#cursors.delete(name);
    this.#stop(cursor);
    this.#behind.delete(cursor);
    cursor.moves++;
  }

  /** Continues at these positions, of partitions that it follows. */
  seek(positions: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      const cursor = this.#cursors.get(nameOf(topic, partition));
      if (!cursor) continue;
      this.#stop(cursor);
      cursor.next = offset;
      cursor.entry = undefined;
      cursor.moves++;
    }
    this.#pump();
  }

  grant(records: number, bytes: number): void {
    this.#credit.grant(records, bytes);
    this.#goOn();
  }

  /** Continues after a grant, unless kept records are still being sent. */
  #goOn(): void {
    if (this.#credit.isOut || this.#isKeeping) return;
    const { onSlow = "block" } = this.#options;
    if (this.#ranOut && onSlow !== "block") this.#skip(onSlow);
    this.#ranOut = false;
    this.#pump();
  }

  /** The sink has room again, or the store may be read again. */
  resume(): void {
    this.#wake();
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    for (const cursor of this.#cursors.values()) {
      this.#stop(cursor);
      cursor.moves++;
    }
    this.#cursors.clear();
    this.#behind.clear();
    this.#hub.forget(this);
    this.#wake();
  }

  topicRemoved({ id }: Topic): void {
    if (this.#options.topic?.id === id) this.#options.ended?.();
  }

  /** The partitions whose position or end has changed since they were last reported. */
  heads(): PartitionHead[] {
    const heads: PartitionHead[] = [];
    for (const cursor of this.#cursors.values()) {
      const end = this.#endOf(cursor);
      const next = this.#positionOf(cursor);
      if (cursor.named?.next === next && cursor.named.end === end) continue;
      cursor.named = { next, end };
      heads.push({ topic: cursor.topic.name, partition: cursor.partition, next, end });
    }
    return heads;
  }

  /** A section was appended at a live cursor; `records`: those for a cursor with keys. */
  deliver(cursor: Cursor, section: Section, records?: readonly number[]): void {
    if (section.next <= cursor.next) return; // it was read before this call
    // One with keys is not called for sections that have nothing for it.
    assert(cursor.keys || cursor.next === section.base, "a live cursor stands at the log's end");
    cursor.next = section.base;
    if (this.#maySend()) this.#send(cursor, [section], records && (() => records));
    if (cursor.next < section.next || this.#credit.isOut) {
      this.#stop(cursor);
      this.#pump();
    }
  }

  /** The log has grown by records that were not delivered to a live cursor: it must read them. */
  behind(cursor: Cursor): void {
    this.#stop(cursor);
    this.#pump();
  }

  #maySend(): boolean {
    return !this.#closed && !this.#isKeeping && !this.#credit.isOut && !this.#sink.full;
  }

  /** Serves the cursors that are behind, in turn, as far as credit and room allow. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let cursor = this.#nextBehind(); cursor; cursor = this.#nextBehind()) {
        const { topic, partition, next, moves } = cursor;
        const turn = this.#hub.pace.turn();
        if (turn) {
          await turn;
          if (cursor.moves !== moves || !this.#maySend()) continue;
        }
        const end = this.#endOf(cursor);
        const push = (sections: readonly Section[] | undefined) => {
          if (!sections || cursor.moves !== moves) return;
          this.#serve(cursor, sections);
          // A cursor that did not advance has more to read, which was appended meanwhile.
          const isOn = cursor.live || cursor.next > next || this.#endOf(cursor) !== end;
          assert(isOn || !this.#maySend(), "what is read of a partition brings its reader on");
        };
        const kept = this.#hub.log.cached(topic, partition, next);
        if (kept) push(kept);
        else await this.#hub.readers.read(() => this.#read(cursor, moves), push);
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (!this.#closed) this.#hub.failed(this); // the store cannot be read
    } finally {
      this.#pumping = false;
    }
  }

  /** The next cursor in turn of those that are behind, if anything may be sent. */
  #nextBehind(): Cursor | undefined {
    if (!this.#maySend()) return undefined;
    let turn = this.#turns.next();
    if (turn.done) {
      this.#turns = this.#behind.values();
      turn = this.#turns.next();
    }
    return turn.value;
  }

  /** Undefined if it was moved, or may not send any more, while it waited. */
  async #read(cursor: Cursor, moves: number): Promise<readonly Section[] | undefined> {
    if (cursor.moves !== moves || !this.#maySend()) return undefined;
    const { topic, partition, next, entry } = cursor;
    const wanted = { from: next, bytesMax: SESSION.pushBytes, near: entry };
    const { sections, bounds } = await this.#hub.log.read(topic, partition, wanted);
    if (cursor.moves === moves && next < bounds.start) this.#gap(cursor, bounds.start, "trimmed");
    if (next > bounds.next) {
      throw new GatewayError("unavailable", `${topic.name}/${partition} does not reach ${next}`);
    }
    return sections;
  }

  #serve(cursor: Cursor, sections: readonly Section[]): void {
    const { keys } = cursor;
    if (this.#maySend()) {
      this.#send(cursor, sections, keys && ((section) => recordsWith(section, keys)));
    }
    if (cursor.next === this.#endOf(cursor) && !this.#credit.isOut) {
      cursor.live = true;
      this.#behind.delete(cursor);
      this.#hub.join(cursor);
    }
  }

  /** Pushes what may be pushed of these sections, in one frame. */
  #send(cursor: Cursor, sections: readonly Section[], pick?: Pick): void {
    const { subscription } = this;
    const { topic, partition } = cursor;
    const allowed = {
      records: Math.min(this.#credit.records, this.#format.mostRecords),
      bytes: this.#credit.bytes,
    };
    const { pieces, records, bytes, next } = portionOf(sections, cursor.next, allowed, pick);
    cursor.next = next;
    cursor.entry = sections.findLast(({ base }) => base <= next)?.entry;
    if (records === 0) return;
    this.#take(records, bytes);
    this.#sink.push(
      this.#format.records({ subscription, topic, partition, pieces, next, bytes }),
    );
  }

  #take(records: number, bytes: number): void {
    this.#credit.take(records, bytes);
    if (this.#credit.isOut) this.#ranOut = true;
  }

  #gap(cursor: Cursor, to: Offset, reason: FeedGap["reason"]): void {
    const { topic, partition, next } = cursor;
    const { subscription } = this;
    this.#sink.push(
      this.#format.gap({ subscription, topic, partition, from: next, to, reason }),
    );
    cursor.next = to;
    cursor.entry = undefined;
  }

  /** Credit was granted after it had run out: skips what was missed. */
  #skip(onSlow: "drop" | "latest"): void {
    const missed: Missed[] = [];
    for (const cursor of this.#cursors.values()) {
      const from = cursor.next;
      const to = this.#endOf(cursor);
      if (cursor.live || from >= to) continue;
      cursor.moves++;
      this.#gap(cursor, to, "slow");
      const { topic, partition, moves } = cursor;
      missed.push({ cursor, topic, partition, from, to, moves });
    }
    if (onSlow === "latest" && missed.length > 0) this.#sendAllLatest(missed);
  }

  async #sendAllLatest(missed: readonly Missed[]): Promise<void> {
    this.#isKeeping = true;
    try {
      for (const one of missed) await this.#sendLatest(one);
    } finally {
      this.#isKeeping = false;
      this.#goOn();
    }
  }

  /** Sends the chosen records as there is room, in pushes of the usual size. */
  async #sendLatest(missed: Missed): Promise<void> {
    const { latest } = this.#hub;
    const { cursor, moves } = missed;
    const isWanted = () => cursor.moves === moves;
    let left: readonly Offset[] | undefined;
    try {
      while (isWanted() && left?.length !== 0) {
        await this.#room();
        left = await latest.inTurn(async () => {
          if (!isWanted() || this.#sink.full) return left;
          const chosen = left ?? await latest.choose(missed, this.#credit, cursor.keys);
          const portion = await latest.portion(missed, chosen);
          if (isWanted()) this.#sendKept(missed, portion);
          return portion.left;
        });
      }
    } catch (error) {
      // Records that cannot be read are left out: the gap has reported them as missed.
      if (!(error instanceof GatewayError)) throw error;
    }
  }

  #sendKept({ topic, partition, to }: Span, { pieces, bytes }: KeptPortion): void {
    if (pieces.length === 0) return;
    this.#take(pieces.length, bytes);
    const { subscription } = this;
    const push = { subscription, topic, partition, pieces, next: to, bytes, kept: true };
    this.#sink.push(this.#format.records(push));
  }

  /** Resolves when the sink has room or the feed is closed. */
  #room(): Promise<void> | undefined {
    if (this.#closed || !this.#sink.full) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #endOf({ topic, partition, next }: Cursor): Offset {
    return this.#hub.log.known(topic, partition)?.next ?? next;
  }

  /**
   * The cursor's position. For a live cursor with keys it is what the hub has delivered up to, not
   * the end of the log, which is known a moment earlier.
   */
  #positionOf(cursor: Cursor): Offset {
    const { live, keys, next } = cursor;
    return live && keys ? Math.max(next, this.#hub.deliveredTo(cursor)) : next;
  }

  /** Makes a cursor no longer live, with its exact position. */
  #stop(cursor: Cursor): void {
    if (!cursor.live) return;
    cursor.next = this.#positionOf(cursor);
    if (cursor.keys) cursor.entry = undefined; // its last push may lie far back
    cursor.live = false;
    this.#behind.add(cursor);
    this.#hub.leave(cursor);
  }
}

/** What a cursor has missed while out of credit. */
interface Missed extends Span {
  readonly cursor: Cursor;
  /** `moves` of the cursor: if it has risen, the records are not wanted any more. */
  readonly moves: number;
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
