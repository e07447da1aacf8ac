/**
 * Reads a socket in front of `npm:ws`, as long as it sends nothing but what nearly all sockets send
 * nearly always: text messages of less than 64 KiB, each in one frame. A message costs half as much
 * here as it does there.
 *
 * The first frame that is anything else (longer, a part of a message, binary, a ping, a close, not
 * masked, not UTF-8), or that comes in more pieces than it is worth, is given to `npm:ws`, byte for
 * byte, and so is all that follows it: what is right and what is wrong is judged there, and it gets
 * its own listener back, which it removes when it has read enough.
 */

import { Buffer, isUtf8 } from "node:buffer";
import type { Duplex } from "node:stream";

/** A frame's first octet: the last part of a message, which is text. */
const WHOLE_TEXT = 0x81;
/** In the second octet, beside the length, or beside what says where the length stands. */
const MASKED = 0x80;
const LENGTH_IN_TWO_OCTETS = 126;
const SHORT_HEADER = 6;
const LONG_HEADER = 8;
/** How often the beginning of a frame is joined with more of it: octet by octet it would be for ever. */
const JOINS = 16;

type Listener = (this: Duplex, chunk: Buffer) => void;

export class PlainFrames {
  readonly #socket: Duplex;
  readonly #receive: (message: Uint8Array) => void;
  readonly #ws: Listener;
  /** The beginning of a frame whose rest has not come. */
  #begun: Buffer | undefined;
  #joins = 0;

  /** Takes the place of the only listener for the socket's data: that of `npm:ws`. */
  static read(socket: Duplex, receive: (message: Uint8Array) => void): void {
    const [ws, ...others] = socket.listeners("data");
    if (ws && others.length === 0) new PlainFrames(socket, receive, ws as Listener);
  }

  private constructor(socket: Duplex, receive: (message: Uint8Array) => void, ws: Listener) {
    this.#socket = socket;
    this.#receive = receive;
    this.#ws = ws;
    socket.off("data", ws);
    socket.on("data", this.#take);
  }

  readonly #take = (chunk: Buffer): void => {
    const begun = this.#begun;
    this.#begun = undefined;
    const bytes = begun ? Buffer.concat([begun, chunk]) : chunk;
    const words = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
    let at = 0;
    let end = endOf(bytes, at);
    for (; end <= bytes.length; end = endOf(bytes, at)) {
      const from = at +
        (bytes[at + 1] === (MASKED | LENGTH_IN_TWO_OCTETS) ? LONG_HEADER : SHORT_HEADER);
      unmask(bytes, from, end, words);
      const message = new Uint8Array(bytes.buffer, bytes.byteOffset + from, end - from);
      if (!isUtf8(message)) {
        unmask(bytes, from, end, words);
        break;
      }
      at = end;
      this.#receive(message);
    }
    if (at === bytes.length) return;
    this.#joins = begun && at === 0 ? this.#joins + 1 : 0;
    const isBegun = end > bytes.length && end < Infinity;
    if (isBegun && this.#joins < JOINS) this.#begun = Buffer.from(bytes.subarray(at));
    else this.#giveBack(bytes.subarray(at));
  };

  #giveBack(rest: Buffer): void {
    const behind = this.#socket.listeners("data").filter((listener) => listener !== this.#take);
    this.#socket.removeAllListeners("data");
    // By `on`: the stream does not notice listeners that are put in front, and is slower to call.
    for (const listener of [this.#ws, ...behind]) this.#socket.on("data", listener as Listener);
    this.#ws.call(this.#socket, rest);
  }
}

/**
 * Where the plain frame at `at` ends, which is beyond the bytes if not all of it is there; infinite
 * if it is not plain.
 */
function endOf(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at;
  if (left > 0 && bytes[at] !== WHOLE_TEXT) return Infinity;
  if (left > 1) {
    const length = (bytes[at + 1] as number) - MASKED;
    if (length < 0 || length > LENGTH_IN_TWO_OCTETS) return Infinity;
    if (length < LENGTH_IN_TWO_OCTETS) return at + SHORT_HEADER + length;
    if (left < LONG_HEADER) return at + LONG_HEADER;
    return at + LONG_HEADER + ((bytes[at + 2] as number) << 8 | (bytes[at + 3] as number));
  }
  return at + SHORT_HEADER;
}

/** The mask, beginning with the octet that is due at the first whole word. */
const rotated = new Uint8Array(4);
const rotatedWord = new Int32Array(rotated.buffer);

/**
 * Masks or unmasks the payload from `from` to `end`, which stands behind its mask, four octets at a
 * time; `words` are those of the buffer.
 */
function unmask(bytes: Uint8Array, from: number, end: number, words: Int32Array): void {
  const { byteOffset } = bytes;
  const first = Math.min(end, from + (-(byteOffset + from) & 3));
  const last = first + (end - first & ~3);
  const masked = (at: number) =>
    (bytes[at] as number) ^ (bytes[from - 4 + (at - from & 3)] as number);
  for (let at = from; at < first; at++) bytes[at] = masked(at);
  for (let i = 0; i < 4; i++) rotated[i] = bytes[from - 4 + (first + i - from & 3)] as number;
  const mask = rotatedWord[0] as number;
  const lastWord = byteOffset + last >> 2;
  for (let i = byteOffset + first >> 2; i < lastWord; i++) words[i] = (words[i] as number) ^ mask;
  for (let at = last; at < end; at++) bytes[at] = masked(at);
}
