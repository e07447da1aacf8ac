/**
 * What waits to be sent on one socket. All that a turn of the event loop has for it leaves in one
 * message: a message costs four times what a frame does.
 *
 * Bounded: when it is full, followers stop reading the log and the session stops reading requests,
 * so that a client which does not read costs its outbox and no more.
 */

import { SESSION } from "../limits.ts";
import type { Turn } from "./turn.ts";
import type { Wire } from "./wire.ts";

/** A frame as text, or as UTF-8 that others may be sent as well. */
export type Frame = string | Uint8Array;

/** A message of several frames has at most so many bytes, unless one frame has more. */
const MESSAGE_BYTES = 256 * 1_024;

const utf8 = new TextEncoder();
const OPEN = 0x5b;
const COMMA = 0x2c;
const CLOSE = 0x5d;

export class Outbox {
  readonly #wire: Wire;
  readonly #turn: Turn;
  #frames: Frame[] = [];
  #bytes = 0;
  /** When it was looked at last, nothing was on its way, and nothing was added since. */
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
      this.#wire.send(message(frames, from, to));
      from = to;
    }
  }

  /** Forgets what waits. */
  drop(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}

function message(frames: readonly Frame[], from: number, to: number): Frame {
  if (to - from === 1) return frames[from] as Frame;
  const several = from === 0 && to === frames.length ? frames : frames.slice(from, to);
  return several.every((frame) => typeof frame === "string")
    ? `[${several.join(",")}]`
    : joined(several);
}

function joined(frames: readonly Frame[]): Uint8Array {
  const parts = frames.map((frame) => typeof frame === "string" ? utf8.encode(frame) : frame);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, 1));
  let at = 0;
  for (const part of parts) {
    out[at] = at === 0 ? OPEN : COMMA;
    out.set(part, at + 1);
    at += part.length + 1;
  }
  out[at] = CLOSE;
  return out;
}
