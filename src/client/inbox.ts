/** A queue that one reader awaits: what was put in comes out in order, then the end or the error. */

export class Inbox<Item> {
  #items: Item[] = [];
  /** Index of the first that was not taken: arrays are slow to lose their head. */
  #first = 0;
  #waiting: (() => void) | undefined;
  #isOpen = true;
  #hasEnded = false;
  /** What it ended with, if it was an error. */
  #error: unknown;

  /** Puts something in. After the end nothing goes in any more. */
  put(item: Item): void {
    if (this.#hasEnded) return;
    this.#items.push(item);
    this.#wake();
  }

  /** The next one, when it is there; undefined at the end. Throws what it ended with. */
  async next(): Promise<Item | undefined> {
    for (;;) {
      if (this.#first < this.#items.length && this.#isOpen) return this.#take();
      if (this.#hasEnded && this.#first === this.#items.length) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  /** Lets nothing out until `resume`. */
  pause(): void {
    this.#isOpen = false;
  }

  resume(): void {
    this.#isOpen = true;
    this.#wake();
  }

  /** Takes out, in order, the items for which `takes` is true; stops at the first undefined. */
  pick(takes: (item: Item) => boolean | undefined): void {
    const left: Item[] = [];
    let at = this.#first;
    for (; at < this.#items.length; at++) {
      const item = this.#items[at] as Item;
      const isTaken = takes(item);
      if (isTaken === undefined) break;
      if (!isTaken) left.push(item);
    }
    if (at - this.#first === left.length) return;
    this.#items = [...left, ...this.#items.slice(at)];
    this.#first = 0;
  }

  /** Takes out all of which `which` holds, and returns them. */
  remove(which: (item: Item) => boolean): Item[] {
    const waiting = this.#items.slice(this.#first);
    this.#items = waiting.filter((item) => !which(item));
    this.#first = 0;
    return waiting.filter(which);
  }

  /** Nothing comes any more; what is there still comes out, unless `atOnce`. */
  end(error?: unknown, atOnce = false): void {
    if (atOnce) this.remove(() => true);
    if (!this.#hasEnded) this.#error = error;
    this.#hasEnded = true;
    this.#isOpen = true;
    this.#wake();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  #take(): Item {
    const item = this.#items[this.#first] as Item;
    this.#items[this.#first++] = undefined as Item;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    }
    return item;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}
