/** Flushes the outboxes that have something to send, at the end of each turn of the event loop. */

import { MessageBuilder } from "./message_builder.ts";

interface Flushed {
  flush(): void;
}

export class Turn {
  readonly messages = new MessageBuilder();
  #waiting: Flushed[] = [];

  /** Flushes it at the end of the present turn. */
  atEnd(outbox: Flushed): void {
    if (this.#waiting.push(outbox) === 1) this.#end();
  }

  async #end(): Promise<void> {
    await undefined; // the rest of the turn runs first
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const outbox of waiting) outbox.flush();
    this.messages.forget();
  }
}
