/**
 * What is kept of each of many by name, made when it is first asked for. Where there are many, those
 * that are as if they had never come are forgotten.
 */

export interface RollOptions<T> {
  /** From so many on, whoever is new makes room first. */
  readonly crowded: number;
  make(): T;
  /** Whether nothing is lost when it is made anew. */
  isAsNew(one: T): boolean;
}

export class Roll<T> {
  readonly #options: RollOptions<T>;
  readonly #known = new Map<string, T>();

  constructor(options: RollOptions<T>) {
    this.#options = options;
  }

  /** What is kept of it, if anything is. */
  known(name: string): T | undefined {
    return this.#known.get(name);
  }

  find(name: string): T {
    const known = this.#known.get(name);
    if (known) return known;
    const { crowded, make } = this.#options;
    if (this.#known.size >= crowded) this.#makeRoom();
    const fresh = make();
    this.#known.set(name, fresh);
    return fresh;
  }

  #makeRoom(): void {
    for (const [name, one] of this.#known) {
      if (this.#options.isAsNew(one)) this.#known.delete(name);
    }
  }
}
