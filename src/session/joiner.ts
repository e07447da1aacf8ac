/**
 * Joins frames to the one message that they leave in. Who follows the same gets the same frames, so the
 * last message is remembered until the turn ends: of a thousand followers, one joins.
 */

/** A frame as text, or as UTF-8 that others may be sent as well. */
export type Frame = string | Uint8Array;

const utf8 = new TextEncoder();
const OPEN = 0x5b;
const COMMA = 0x2c;
const CLOSE = 0x5d;

export class Joiner {
  #frames: readonly Frame[] = [];
  #message: Frame = "";

  /** These frames as one message. They are not changed any more. */
  message(frames: readonly Frame[]): Frame {
    if (frames.length === 1) return frames[0] as Frame;
    if (!alike(frames, this.#frames)) {
      this.#message = joined(frames);
      this.#frames = frames;
    }
    return this.#message;
  }

  forget(): void {
    this.#frames = [];
    this.#message = "";
  }
}

function alike(some: readonly Frame[], others: readonly Frame[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function joined(frames: readonly Frame[]): Frame {
  if (frames.every((frame) => typeof frame === "string")) return `[${frames.join(",")}]`;
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
