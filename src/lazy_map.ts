/**
 * A map that makes an entry on first access. Past `crowded`, entries that are as good as new are
 * dropped.
 */

export interface LazyMapOptions<T> {
  /** From so many on, or twice as many as were left the last time, whoever is new makes room first. */
  readonly crowded: number;
  make(): T;
  /** Whether nothing is lost when it is made anew. */
  isAsNew(one: T): boolean;
}

export class LazyMap<T, Name = string> {
  readonly #options: LazyMapOptions<T>;
  readonly #known = new Map<Name, T>();
  #crowded: number;

  constructor(options: LazyMapOptions<T>) {
    this.#options = options;
    this.#crowded = options.crowded;
  }

  /** What is kept of it, if anything is. */
  get(name: Name): T | undefined {
    return this.#known.get(name);
  }

  getOrMake(name: Name): T {
    const known = this.#known.get(name);
    if (known) return known;
    if (this.#known.size >= this.#crowded) this.#makeRoom();
    const fresh = this.#options.make();
    this.#known.set(name, fresh);
    return fresh;
  }

  #makeRoom(): void {
    for (const [name, one] of this.#known) {
      if (this.#options.isAsNew(one)) this.#known.delete(name);
    }
    this.#crowded = Math.max(this.#options.crowded, 2 * this.#known.size);
  }
}
