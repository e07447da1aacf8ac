/**
 * Builds messages out of frames. Followers of the same partition get the same frames, so the last
 * message is kept until the turn ends, and a thousand followers share one.
 */

/** A frame as text, or as UTF-8 bytes that several sessions may share. */
export type Frame = string | Uint8Array;

const utf8 = new TextEncoder();
const OPEN = 0x5b;
const COMMA = 0x2c;
const CLOSE = 0x5d;

export class MessageBuilder {
  #frames: readonly Frame[] = [];
  #message: Frame = "";

  /** These frames as one message. The caller does not change the list any more. */
  build(frames: readonly Frame[]): Frame {
    if (frames.length === 1) return frames[0] as Frame;
    if (!isSame(frames, this.#frames)) {
      this.#message = join(frames);
      this.#frames = frames;
    }
    return this.#message;
  }

  /** The turn has ended. */
  forget(): void {
    this.#frames = [];
    this.#message = "";
  }
}

function isSame(some: readonly Frame[], others: readonly Frame[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function join(frames: readonly Frame[]): Frame {
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
