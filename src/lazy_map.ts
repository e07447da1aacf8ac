/**
 * A map that creates an entry on first access. When it is crowded, entries in their initial state
 * are dropped.
 */

export interface LazyMapOptions<T> {
  /**
   * At so many entries, or twice as many as were left the last time, a new one makes room first.
   */
  readonly crowded: number;
  make(): T;
  /** Whether dropping and recreating it would lose nothing. */
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

  /** Its entry, if there is one. */
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
