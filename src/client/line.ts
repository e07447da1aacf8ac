/**
 * One epoch of one producer: what has a number and no answer yet, in the order of the numbers. Keeps
 * the protocol's rules of order and repetition (its section 2) for whatever is sent through it. Pure:
 * `next` says what to send, `ok`, `refused` and `lost` what became of it.
 *
 * 1. What is unanswered is sent again with its number until it is answered, first of all what is
 *    oldest. After a failure everything behind it is refused with it; so the line stalls until all
 *    that is under way has been answered, and goes on in order.
 * 2. An item is in doubt when a try of it went unanswered: it may be stored. What is in doubt is the
 *    head of the line: behind something that failed, nothing was stored.
 * 3. What is stored while something before it is not answered keeps its place: a session's numbers rise
 *    by one, so it goes again with what is before it, as a repeat whose answer is known.
 * 4. The number of an item that is refused for good is free, and what is behind moves up; not if the
 *    item is in doubt. Then only a new session, which may begin with any number, goes on.
 */

/** What takes numbers: one, or as many as a transaction has parts. */
export interface Numbered {
  readonly width: number;
  /** Its first number, once it has one. */
  sequence: number;
  /** It cannot be sent yet, nor what is behind it. */
  readonly mustWait: boolean;
  /** It is under way in this session. */
  sent: boolean;
  /** An earlier try may have been stored. */
  inDoubt: boolean;
  /** It was: what waited for the answer has it. */
  stored: boolean;
}

/** At most so many numbers may be unanswered. */
export const WINDOW = 64;

export class Line<Item extends Numbered> {
  #items: Item[] = [];
  #next = 0;
  readonly #underWay = new Set<Item>();
  #numbers = 0;
  #stalled = false;
  /** The lowest number that is free again. */
  #freed: number | undefined;
  #mustRestart = false;
  #resumeAt = 0;

  /** Items that are not answered. */
  get unanswered(): readonly Item[] {
    return this.#items.filter(({ stored }) => !stored);
  }

  /** What stops the line until it may be sent. */
  get blocked(): Item | undefined {
    return this.#items.find(({ sent, mustWait, stored }) => !sent && mustWait && !stored);
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Nothing is under way. */
  get isStill(): boolean {
    return this.#underWay.size === 0;
  }

  /** Only a new session can go on. */
  get mustRestart(): boolean {
    return this.#mustRestart && this.isStill;
  }

  /** When something refused for the moment may be sent again. */
  get resumeAt(): number {
    return this.#resumeAt;
  }

  /** Whether an item of this width may be added. */
  hasRoomFor(width: number): boolean {
    return !this.#stalled && !this.#mustRestart &&
      (this.isEmpty || this.#numbers + width <= WINDOW);
  }

  /** Gives the item its number. `next` will say when to send it. */
  add(item: Item): void {
    item.sequence = this.#next;
    this.#next += item.width;
    this.#numbers += item.width;
    this.#items.push(item);
  }

  /** What to send now, in this order; it is under way from now on. */
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

  /** The item was refused for the moment: it goes again, `afterMs` from now at the earliest. */
  again(item: Item, mayBeStored: boolean, now: number, afterMs: number): void {
    this.#answered(item);
    item.inDoubt ||= mayBeStored;
    this.#stalled = true;
    this.#resumeAt = Math.max(this.#resumeAt, now + afterMs);
  }

  /**
   * The item was refused for good. `anyNext`: the gateway takes any number next (what it refused was
   * too old to be known). `instead` takes its place, if it is not in doubt.
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

  /** The session is over: what was under way may be stored, unless something before it had failed. */
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
   * The epoch is over: numbers begin anew. Returns what was in doubt, of which nobody will know any
   * more; the rest goes on in the next epoch.
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

  /** Takes out all that is not answered. */
  clear(): readonly Item[] {
    const items = this.unanswered;
    this.#items = [];
    return items;
  }

  /** Takes the numbers that are free for what is behind them. */
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
