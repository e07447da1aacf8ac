/** The latest events of a demonstration, in a few words each, for the page. */

const KEPT = 60;

export interface Entry {
  /** Seconds since the start. */
  readonly atS: number;
  readonly text: string;
}

export class Journal {
  readonly #begun = performance.now();
  #entries: Entry[] = [];

  /** Seconds since the start. */
  get elapsedS(): number {
    return Math.round((performance.now() - this.#begun) / 100) / 10;
  }

  /** The newest first. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  readonly tell = (text: string): void => {
    this.#entries = [{ atS: this.elapsedS, text }, ...this.#entries.slice(0, KEPT - 1)];
  };
}
