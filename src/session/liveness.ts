/** The deadlines of a session, as data: hello, silence, and how many invalid frames came lately. */

import { SESSION } from "../limits.ts";

export interface Deadlines {
  readonly heartbeatMs: number;
  readonly sessionTimeoutMs: number;
}

/** What a session must do now. */
export type Due = "nothing" | "ping" | "no hello" | "idle";

export class Liveness {
  readonly #deadlines: Deadlines;
  #openedAt: number;
  #heardAt: number;
  #pinged = false;
  /** What came before `hello` is answered: in messages, and in all. */
  #helloBytes = 0;
  #rawBytes = 0;
  /** When the last invalid frames came, as many as there may be. */
  readonly #invalidAt: number[] = [];

  /** All times are on the monotonic clock. */
  constructor(now: number, deadlines: Deadlines) {
    this.#deadlines = deadlines;
    this.#openedAt = now;
    this.#heardAt = now;
  }

  /** The time for `hello` starts anew, and what may come before it is answered. */
  opened(now: number): void {
    this.#openedAt = now;
    this.#helloBytes = 0;
    this.#rawBytes = 0;
  }

  /** A message of this size came before `hello` was answered; whether that is still within bounds. */
  countEarly(bytes: number): boolean {
    this.#helloBytes += bytes;
    return bytes <= SESSION.helloMessageBytes && this.#helloBytes <= SESSION.helloBytes;
  }

  /** The same of bytes, of messages that are whole or not. */
  countRaw(bytes: number): boolean {
    this.#rawBytes += bytes;
    return this.#rawBytes <= SESSION.helloBytes;
  }

  /** Nothing was read for so long, whatever came meanwhile: that time does not count. */
  excuse(ms: number): void {
    this.#openedAt += ms;
    this.#heardAt += ms;
  }

  /** Something came: the client is there. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pinged = false;
  }

  /** A frame was invalid or unknown; whether these are too many. */
  invalid(now: number): boolean {
    this.#invalidAt.push(now);
    if (this.#invalidAt.length <= SESSION.invalidFrames) return false;
    return now - (this.#invalidAt.shift() as number) < SESSION.invalidWindowMs;
  }

  due(now: number, state: "opening" | "open"): Due {
    if (state === "opening") {
      return now - this.#openedAt >= SESSION.helloMs ? "no hello" : "nothing";
    }
    const silentMs = now - this.#heardAt;
    if (silentMs >= this.#deadlines.sessionTimeoutMs) return "idle";
    if (silentMs < this.#deadlines.heartbeatMs || this.#pinged) return "nothing";
    this.#pinged = true;
    return "ping";
  }
}
