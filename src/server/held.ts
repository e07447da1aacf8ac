/**
 * Messages that a socket has received while its session is congested. A session may become
 * congested after any message, but reading stops only after all messages of a chunk from the
 * network, which may be hundreds, and on some platforms never. The messages in between wait here.
 */

import { CLOSE } from "../errors.ts";
import { ADVERTISED, HTTP } from "../limits.ts";
import type { SessionPort } from "./upgrade.ts";

/** About how much memory a message takes besides its bytes. */
const BESIDE_BYTES = 256;

export class Held {
  readonly #session: SessionPort;
  readonly #close: (code: number, reason: string) => void;
  #messages: Uint8Array[] = [];
  /** How many of the messages were handed over. */
  #taken = 0;
  #bytes = 0;
  #handing = false;

  constructor(session: SessionPort, close: (code: number, reason: string) => void) {
    this.#session = session;
    this.#close = close;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Hands a message over, at once or when its turn comes. */
  take(message: Uint8Array): void {
    if (message.length > ADVERTISED.messageBytes) {
      return this.#close(CLOSE.messageTooBig, "the message is too big");
    }
    if (this.isEmpty && !this.#session.congested) return this.#session.receive(message);
    this.#messages.push(message);
    this.#bytes += message.length + BESIDE_BYTES;
    if (this.#bytes <= HTTP.heldBytes) return;
    this.#clear();
    this.#close(CLOSE.slowConsumer, "more came than could be taken");
  }

  /** Hands over as much as the session takes now. May be called again while it runs. */
  handOver(): void {
    if (!this.isEmpty) this.#handOverWhile(() => !this.#session.congested);
  }

  /** Hands over everything: the socket has closed. */
  handOverAll(): void {
    this.#handOverWhile(() => true);
  }

  #handOverWhile(goesOn: () => boolean): void {
    if (this.#handing) return;
    this.#handing = true;
    try {
      while (this.#taken < this.#messages.length && goesOn()) {
        const message = this.#messages[this.#taken++] as Uint8Array;
        this.#bytes -= message.length + BESIDE_BYTES;
        this.#session.receive(message);
      }
    } catch (error) {
      this.#clear(); // what follows a message that failed must not be received without it
      throw error;
    } finally {
      this.#handing = false;
    }
    if (this.#taken === this.#messages.length) this.#clear();
  }

  #clear(): void {
    this.#messages = [];
    this.#taken = 0;
    this.#bytes = 0;
  }
}
