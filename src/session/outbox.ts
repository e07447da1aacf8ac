/**
 * What waits to be sent on one socket. Everything from one turn of the event loop leaves in one
 * message: a message costs four times what a frame does.
 *
 * Bounded: when it is full, followers stop reading the log and the session stops reading requests,
 * so that a client which does not read costs its outbox and no more.
 */

import { SESSION } from "../limits.ts";
import type { Frame } from "./message_builder.ts";
import type { Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

/** Bytes of a message of several frames, at most. */
const MESSAGE_BYTES = 256 * 1_024;

export class Outbox {
  readonly #wire: Wire;
  readonly #turn: Turn;
  #frames: Frame[] = [];
  #bytes = 0;
  /** Nothing was waiting or in flight at the last look, and nothing was added since. */
  #idle = true;
  /** On the monotonic clock; undefined while there is room. */
  #fullSince: number | undefined;

  constructor(wire: Wire, turn: Turn) {
    this.#wire = wire;
    this.#turn = turn;
  }

  push(frame: Frame): void {
    if (this.#frames.length === 0) this.#turn.atEnd(this);
    this.#idle = false;
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  get full(): boolean {
    if (this.#idle) return false;
    const bytes = this.#bytes + this.#wire.buffered;
    if (bytes > SESSION.outboxBytes) return true;
    this.#idle = bytes === 0;
    this.#fullSince = undefined;
    return false;
  }

  /** Whether it has been full for too long: the client does not read. */
  stuck(now: number): boolean {
    if (!this.full) return false;
    this.#fullSince ??= now;
    return now - this.#fullSince >= SESSION.outboxFullMs;
  }

  /** Sends what waits. */
  flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    for (let from = 0; from < frames.length;) {
      let to = from + 1;
      let bytes = (frames[from] as Frame).length;
      while (to < frames.length && to - from < SESSION.framesPerMessage) {
        bytes += (frames[to] as Frame).length;
        if (bytes > MESSAGE_BYTES) break;
        to++;
      }
      const several = from === 0 && to === frames.length ? frames : frames.slice(from, to);
      this.#wire.send(this.#turn.messages.build(several));
      from = to;
    }
  }

  /** Forgets what waits. */
  drop(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
