/** The machine that several rows run on: one has it to itself while it measures, the others rest. */
export class Machine {
  #free: Promise<void> = Promise.resolve();

  /** Does it when all that was asked for before is done. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const done = Promise.withResolvers<void>();
    const before = this.#free;
    this.#free = done.promise;
    await before;
    try {
      return await work();
    } finally {
      done.resolve();
    }
  }
}
