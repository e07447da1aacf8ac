/**
 * A pool of rows of numbers in one typed array, with a free list. A hundred thousand rows are one
 * object to the garbage collector, and take a third of what as many objects would.
 */

/** Names no row. */
export const NONE = -1;

const FIRST_CAPACITY = 16;

export class Rows {
  readonly #width: number;
  #cells: Float64Array;
  #made = 0;
  /** The row that was freed last; its first cell has the one freed before. */
  #free = NONE;

  /** `width` numbers a row. */
  constructor(width: number) {
    this.#width = width;
    this.#cells = new Float64Array(FIRST_CAPACITY * width);
  }

  /** A free row; its cells are not initialized. */
  make(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.get(free, 0);
      return free;
    }
    if ((this.#made + 1) * this.#width > this.#cells.length) this.#grow();
    return this.#made++;
  }

  free(row: number): void {
    this.set(row, 0, this.#free);
    this.#free = row;
  }

  get(row: number, cell: number): number {
    return this.#cells[row * this.#width + cell] as number;
  }

  set(row: number, cell: number, value: number): void {
    this.#cells[row * this.#width + cell] = value;
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.#cells.length);
    grown.set(this.#cells);
    this.#cells = grown;
  }
}
