/** The scheduler of a made-up world: a heap of things to run, and a clock that jumps. */

interface Due {
  readonly at: number;
  /** Of two that are due at once, the one that was added first runs first. */
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  readonly #heap: Due[] = [];
  #order = 0;
  now = 0;

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const due = { at: Math.max(time, this.now), order: this.#order++, run };
    let place = heap.length;
    heap.push(due);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, due)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = due;
  }

  /** Runs everything that is due until then, and no more once `isOver`. */
  run(until: number, isOver: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next && next.at <= until && !isOver(); next = this.#heap[0]) {
      this.#removeFirst();
      this.now = next.at;
      next.run();
    }
    if (!isOver()) this.now = Math.max(this.now, until);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (!left) break;
      if (right && isBefore(right, left)) child++;
      const lower = heap[child];
      if (!lower || isBefore(last, lower)) break;
      heap[place] = lower;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
