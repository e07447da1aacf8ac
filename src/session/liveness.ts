/** The deadlines of a session as data (hello, silence), and the count of its invalid frames. */

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
  /** Bytes that came before `hello` is answered: in whole messages, and in all. */
  #helloBytes = 0;
  #rawBytes = 0;
  /** When the last invalid frames came, as many as are allowed. */
  readonly #invalidAt: number[] = [];

  /** All times are on the monotonic clock. */
  constructor(now: number, deadlines: Deadlines) {
    this.#deadlines = deadlines;
    this.#openedAt = now;
    this.#heardAt = now;
  }

  /** Starts the time for `hello` again, and the count of what comes before it is answered. */
  opened(now: number): void {
    this.#openedAt = now;
    this.#helloBytes = 0;
    this.#rawBytes = 0;
  }

  /** Counts a message that came before `hello` was answered; whether it is within limits. */
  countEarly(bytes: number): boolean {
    this.#helloBytes += bytes;
    return bytes <= SESSION.helloMessageBytes && this.#helloBytes <= SESSION.helloBytes;
  }

  /** The same for raw bytes, incomplete messages included. */
  countRaw(bytes: number): boolean {
    this.#rawBytes += bytes;
    return this.#rawBytes <= SESSION.helloBytes;
  }

  /** The gateway read nothing for so long, whatever the client sent: that time does not count. */
  excuse(ms: number): void {
    this.#openedAt += ms;
    this.#heardAt += ms;
  }

  /** The client has sent something. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pinged = false;
  }

  /** Counts an invalid or unknown frame. Returns whether there are too many. */
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
