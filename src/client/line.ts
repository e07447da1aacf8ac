/**
 * The unanswered items of one epoch of a producer, in the order of their sequences. Follows the
 * rules of section 2 of the protocol for order and resending. Pure: `next` says what to send; `ok`,
 * `again`, `refused` and `lost` report the outcome.
 *
 * 1. An unanswered item is resent with its sequence until it is answered, the oldest first. After a
 *    failure the gateway refuses everything behind it; so the line stalls until all that is in
 *    flight is answered, and then continues in order.
 * 2. An item is in doubt if an attempt was not answered: it may be stored. Items in doubt are at
 *    the head of the line: behind a failed item, nothing was stored.
 * 3. An item that is stored while one before it is unanswered keeps its place: the sequences of a
 *    session rise by one, so it is resent together with those before it, as a duplicate.
 * 4. If an item is refused for good, its sequence is free, and those behind it move up; but not if
 *    it is in doubt. Then only a new session can continue, since it may begin with any sequence.
 */

/** An item that takes sequences: one, or as many as a transaction has parts. */
export interface Numbered {
  readonly width: number;
  /** Its first sequence, once it has one. */
  sequence: number;
  /** It cannot be sent yet, nor can the items behind it. */
  readonly mustWait: boolean;
  /** It was sent in this session. */
  sent: boolean;
  /** An earlier attempt may have been stored. */
  inDoubt: boolean;
  /** It is stored, and its callers were answered. */
  stored: boolean;
}

/** The most sequences that may be unanswered. */
export const WINDOW = 64;

export class Line<Item extends Numbered> {
  #items: Item[] = [];
  #next = 0;
  readonly #underWay = new Set<Item>();
  #numbers = 0;
  #stalled = false;
  /** The lowest sequence that is free again. */
  #freed: number | undefined;
  #mustRestart = false;
  #resumeAt = 0;

  /** Items that are not answered. */
  get unanswered(): readonly Item[] {
    return this.#items.filter(({ stored }) => !stored);
  }

  /** The item that holds up the line because it cannot be sent yet. */
  get blocked(): Item | undefined {
    return this.#items.find(({ sent, mustWait, stored }) => !sent && mustWait && !stored);
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Nothing is in flight. */
  get isStill(): boolean {
    return this.#underWay.size === 0;
  }

  /** Only a new session can continue. */
  get mustRestart(): boolean {
    return this.#mustRestart && this.isStill;
  }

  /** When to retry after a temporary refusal. */
  get resumeAt(): number {
    return this.#resumeAt;
  }

  /** Whether an item of this width may be added. */
  hasRoomFor(width: number): boolean {
    return !this.#stalled && !this.#mustRestart &&
      (this.isEmpty || this.#numbers + width <= WINDOW);
  }

  /** Adds an item and gives it its sequence. `next` says when to send it. */
  add(item: Item): void {
    item.sequence = this.#next;
    this.#next += item.width;
    this.#numbers += item.width;
    this.#items.push(item);
  }

  /** The items to send now, in this order. They count as sent. */
  next(now: number): Item[] {
    if (this.#mustRestart || now < this.#resumeAt || this.#stalled && !this.isStill) return [];
    if (this.#stalled) { for (const item of this.#items) item.sent = false; }
    this.#stalled = false;
    this.#moveUp();
    const items: Item[] = [];
    let numbers = 0;
    for (const item of this.#items) {
      numbers += item.width;
      if (numbers > WINDOW && numbers > item.width) break;
      if (item.sent) continue;
      if (item.mustWait && !item.stored) break;
      item.sent = true;
      items.push(item);
    }
    for (const item of items) this.#underWay.add(item);
    return items;
  }

  /** These were not sent after all. */
  takeBack(items: readonly Item[]): void {
    for (const item of items) this.#answered(item);
  }

  /** The item is stored. */
  ok(item: Item): void {
    this.#answered(item);
    item.stored = item.sent = true;
    for (let first = this.#items[0]; first?.stored; first = this.#items[0]) {
      this.#replace(first, []);
    }
  }

  /** The item was refused temporarily: it is resent `afterMs` from now at the earliest. */
  again(item: Item, mayBeStored: boolean, now: number, afterMs: number): void {
    this.#answered(item);
    item.inDoubt ||= mayBeStored;
    this.#stalled = true;
    this.#resumeAt = Math.max(this.#resumeAt, now + afterMs);
  }

  /**
   * The item was refused for good. `anyNext`: the gateway accepts any sequence next (the item was
   * too old for it to know). The items of `instead` take its place; none if it is in doubt.
   */
  refused(item: Item, anyNext: boolean, instead: readonly Item[] = []): void {
    this.#answered(item);
    for (const one of instead) one.sequence = item.sequence;
    this.#replace(item, instead);
    if (anyNext && instead.length === 0) return;
    this.#stalled = true;
    if (item.inDoubt) this.#mustRestart = true;
    else this.#freed = Math.min(item.sequence, this.#freed ?? Infinity);
  }

  /** The session is over: what was in flight is in doubt, unless something before it has failed. */
  lost(): void {
    let behindFailure = false;
    for (const item of this.#items) {
      if (item.stored) behindFailure = false;
      else if (!item.sent || item.sequence >= (this.#freed ?? Infinity)) behindFailure = true;
      else if (!behindFailure) item.inDoubt = true;
      item.sent = false;
    }
    this.#underWay.clear();
    this.#stalled = false;
    this.#mustRestart = false;
    this.#resumeAt = 0;
  }

  /**
   * The epoch is over: sequences start over. Returns the items in doubt, whose outcome can no
   * longer be known; the others continue in the new epoch.
   */
  begin(): Item[] {
    const inDoubt = this.unanswered.filter((item) => item.inDoubt);
    const rest = this.unanswered.filter((item) => !item.inDoubt);
    this.#items = [];
    this.#next = this.#numbers = 0;
    this.#underWay.clear();
    this.#freed = undefined;
    this.#stalled = this.#mustRestart = false;
    for (const item of rest) {
      item.sent = false;
      this.add(item);
    }
    return inDoubt;
  }

  /** Removes and returns all unanswered items. */
  clear(): readonly Item[] {
    const items = this.unanswered;
    this.#items = [];
    return items;
  }

  /** Gives the free sequences to the items behind them. */
  #moveUp(): void {
    if (this.#freed === undefined) return;
    let sequence = this.#freed;
    for (const item of this.#items) {
      if (item.sequence < this.#freed) continue;
      item.sequence = sequence;
      sequence += item.width;
    }
    this.#next = sequence;
    this.#freed = undefined;
  }

  #answered(item: Item): void {
    if (!this.#underWay.delete(item)) return;
    item.sent = false;
  }

  #replace(item: Item, instead: readonly Item[]): void {
    const at = this.#items.indexOf(item);
    if (at < 0) return;
    this.#items.splice(at, 1, ...instead);
    this.#numbers += instead.reduce((sum, { width }) => sum + width, -item.width);
  }
}
