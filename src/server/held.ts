/**
 * What has come on a socket and its session does not take yet. Reading is paused by what the network
 * gives at a time, which may be hundreds of messages, and by some platforms not at all; a session rests
 * after a single one. So what is behind it waits here.
 */

import { CLOSE } from "../errors.ts";
import { ADVERTISED, HTTP } from "../limits.ts";
import type { SessionPort } from "./upgrade.ts";

/** What a message takes besides its bytes, about. */
const BESIDE_BYTES = 256;

export class Held {
  readonly #session: SessionPort;
  readonly #close: (code: number, reason: string) => void;
  #messages: Uint8Array[] = [];
  /** How many of them were handed over. */
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

  /** Hands it over at once, or when its turn has come. */
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

  /** Hands over what the session takes now. What is sent meanwhile may call it once more. */
  handOver(): void {
    if (!this.isEmpty) this.#handOverWhile(() => !this.#session.congested);
  }

  /** Nothing more comes, and what has come is taken. */
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
      this.#clear(); // what is behind a failure is not to be taken without what failed
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
