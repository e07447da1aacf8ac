/**
 * Writing and reading the binary formats of the log: a growing buffer and a cursor. Every record
 * goes through them, so a writer is reused, and neither allocates an object for what it writes or
 * reads.
 *
 * A reader does not check bounds: whoever decodes a whole format asserts where it ended.
 */

const utf8 = new TextEncoder();
/** `ignoreBOM` keeps a leading BOM: a text may begin with one. */
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** What `reset` keeps of a buffer, so that one large entry does not hold its memory for ever. */
const KEPT_BYTES = 64 * 1024;

/** A buffer that grows; `reset` keeps it for the next use, unless it has grown large. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 1_024) {
    this.bytes = new Uint8Array(capacity);
  }

  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** An integer from 0 to 2^53-1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.reserve(8);
    let left = value;
    while (left > 0x7fffffff) {
      this.bytes[this.length++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    while (left > 127) {
      this.bytes[this.length++] = (left & 127) | 128;
      left >>>= 7;
    }
    this.bytes[this.length++] = left;
  }

  /** A signed integer; small ones are short. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** The span `[from, to)` of another buffer. */
  span(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    this.reserve(count);
    if (count > 64) {
      this.bytes.set(source.subarray(from, to), this.length);
    } else {
      // For a few bytes, a loop is cheaper than a view.
      const { bytes, length } = this;
      for (let i = 0; i < count; i++) bytes[length + i] = source[from + i] as number;
    }
    this.length += count;
  }

  raw(source: Uint8Array): void {
    this.span(source, 0, source.length);
  }

  /** An integer from 0 to 2^53-1 as decimal digits. */
  digits(value: number): void {
    this.reserve(16);
    const { bytes } = this;
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count++;
    let left = value;
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const rest = left > 0x7fffffff ? Math.floor(left / 10) : left / 10 | 0;
      bytes[at] = 0x30 + (left - 10 * rest);
      left = rest;
    }
    this.length += count;
  }

  /** Text as UTF-8 with its length in front. */
  string(value: string): void {
    this.reserve(value.length * 3 + 8);
    const at = this.length;
    // Most texts are short and ASCII: then the length is one byte, and known before.
    if (value.length < 128) {
      let i = 0;
      for (; i < value.length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        this.bytes[at + 1 + i] = code;
      }
      if (i === value.length) {
        this.bytes[at] = i;
        this.length = at + 1 + i;
        return;
      }
    }
    const encoded = utf8.encode(value);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** A cursor over bytes that a `ByteWriter` wrote. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    return this.bytes[this.at++] as number;
  }

  varint(): number {
    let byte = this.bytes[this.at++] as number;
    let value = byte & 127;
    for (let scale = 128; byte > 127; scale *= 128) {
      byte = this.bytes[this.at++] as number;
      value += (byte & 127) * scale;
    }
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  /** A view of the next bytes. */
  view(count: number): Uint8Array {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  string(): string {
    return text.decode(this.view(this.varint()));
  }
}
