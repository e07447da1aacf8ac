/**
 * What has come on a socket and its session does not take yet. Reading is paused by what the network
 * gives at a time, which may be hundreds of messages, and by some platforms not at all; a session rests
 * after a single one. So what is behind it waits here.
 */

import { CLOSE } from "../errors.ts";
import { ADVERTISED, HTTP } from "../limits.ts";
import type { Line } from "./upgrade.ts";

export class Held {
  readonly #line: Line;
  readonly #close: (code: number, reason: string) => void;
  #messages: Uint8Array[] = [];
  #bytes = 0;
  #handing = false;

  constructor(line: Line, close: (code: number, reason: string) => void) {
    this.#line = line;
    this.#close = close;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Hands it over at once, or when its turn has come. */
  take(message: Uint8Array): void {
    if (message.length > ADVERTISED.messageBytes) {
      return this.#close(CLOSE.messageTooBig, "the message is too big");
    }
    if (this.isEmpty && !this.#line.congested) return this.#line.receive(message);
    this.#messages.push(message);
    this.#bytes += message.length;
    if (this.#bytes <= HTTP.heldBytes) return;
    this.#messages = [];
    this.#bytes = 0;
    this.#close(CLOSE.slowConsumer, "more came than could be taken");
  }

  /** Hands over what the session takes now. What is sent meanwhile may call it once more. */
  handOver(): void {
    if (this.isEmpty || this.#handing) return;
    this.#handing = true;
    try {
      while (this.#messages.length > 0 && !this.#line.congested) {
        const message = this.#messages.shift() as Uint8Array;
        this.#bytes -= message.length;
        this.#line.receive(message);
      }
    } finally {
      this.#handing = false;
    }
  }
}
