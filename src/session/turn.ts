/** The end of a turn of the event loop, when all outboxes that got something are flushed. */

import { Joiner } from "./joiner.ts";

interface Flushed {
  flush(): void;
}

export class Turn {
  readonly joiner = new Joiner();
  #waiting: Flushed[] = [];

  /** Flushes it when the present turn is over. */
  atEnd(outbox: Flushed): void {
    if (this.#waiting.push(outbox) === 1) this.#end();
  }

  async #end(): Promise<void> {
    await undefined; // the rest of the turn runs first
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const outbox of waiting) outbox.flush();
    this.joiner.forget();
  }
}
