/** An async queue with one reader: items in order, then the end or an error. */

export class Inbox<Item> {
  #items: Item[] = [];
  /** Index of the first item: removing the first element of an array is slow. */
  #first = 0;
  #waiting: (() => void) | undefined;
  #isOpen = true;
  #hasEnded = false;
  /** The error that it ended with, if any. */
  #error: unknown;

  /** Adds an item, unless the inbox has ended. */
  put(item: Item): void {
    if (this.#hasEnded) return;
    this.#items.push(item);
    this.#wake();
  }

  /** Waits for the next item; undefined at the end. Throws the error that the inbox ended with. */
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

  /** Holds back all items until `resume`. */
  pause(): void {
    this.#isOpen = false;
  }

  resume(): void {
    this.#isOpen = true;
    this.#wake();
  }

  /** Removes, in order, the items for which `takes` is true; stops at the first undefined. */
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

  /** Removes all items for which `which` is true, and returns them. */
  remove(which: (item: Item) => boolean): Item[] {
    const waiting = this.#items.slice(this.#first);
    this.#items = waiting.filter((item) => !which(item));
    this.#first = 0;
    return waiting.filter(which);
  }

  /** Ends the inbox. Items that it has are still delivered, unless `atOnce`. */
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
