/**
 * One pass over the bytes of a message before they are parsed. It finds out what `JSON.parse` cannot
 * tell: how deep the brackets go and how many members its objects have, before the parser has spent
 * its time on them, and where in the message each record's value stands, so that a value is kept as
 * its client wrote it and never printed again.
 *
 * 1. It judges nothing. On what is no JSON it stops early or goes on past the error, and never throws;
 *    what it says then is void, since `JSON.parse` refuses the message.
 * 2. Up to the first error it counts the brackets that a parser opens. So a parser never goes deeper
 *    than `depthMax` in a message that is not `tooDeep`.
 * 3. On what is JSON the spans are those of the values that `JSON.parse` gives: of members with the
 *    same name the last one counts, and names are compared as what their escapes stand for.
 */

/** Where the value of each element of `records` stands: `[from, to, from, to, …]`, -1 for none. */
export type ValueSpans = readonly number[];

/** The spans of one frame, or of the body of an HTTP request. */
export interface FrameSpans {
  /** Of its member `records`. */
  records?: ValueSpans;
  /** Of the member `records` of each element of its member `publish`. */
  parts?: readonly ValueSpans[];
}

export interface Scanned {
  readonly tooDeep: boolean;
  /** Of all its objects together. */
  readonly members: number;
  /** One if the message is an object, one for each element if it is an array. */
  readonly frames: readonly FrameSpans[];
}

/** Scans a message of one frame or an array of frames. */
export function scan(bytes: Uint8Array, depthMax: number): Scanned {
  return new Scanner(bytes, depthMax).message();
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;
/** Takes `{` to `[` and `}` to `]`, and nothing else to either. */
const BRACKET_MASK = 0xdf;

/** The members that lead to a record's value; every other one is stepped over. */
type Name = "records" | "publish" | "value" | "other";

const [RECORDS, PUBLISH, VALUE] = ["records", "publish", "value"].map((name) =>
  new TextEncoder().encode(name)
) as [Uint8Array, Uint8Array, Uint8Array];

const NONE: ValueSpans = [];

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #depthMax: number;
  #at = 0;
  #depth = 0;
  #tooDeep = false;
  #members = 0;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#depthMax = depthMax;
  }

  message(): Scanned {
    const frames: FrameSpans[] = [];
    this.#space();
    if (this.#enter(OPEN_ARRAY)) {
      while (this.#element()) frames.push(this.#frame());
    } else {
      frames.push(this.#frame());
    }
    // Something may stand behind the message. It is no JSON then, whatever it is.
    return { tooDeep: this.#tooDeep, members: this.#members, frames };
  }

  #frame(): FrameSpans {
    const spans: FrameSpans = {};
    if (!this.#enter(OPEN_OBJECT)) {
      this.#skip();
      return spans;
    }
    for (let name = this.#member(); name; name = this.#member()) {
      if (name === "records") spans.records = this.#records();
      else if (name === "publish") spans.parts = this.#parts();
      else this.#skip();
    }
    return spans;
  }

  #parts(): readonly ValueSpans[] {
    const parts: ValueSpans[] = [];
    if (this.#enter(OPEN_ARRAY)) {
      while (this.#element()) parts.push(this.#frame().records ?? NONE);
    } else {
      this.#skip();
    }
    return parts;
  }

  #records(): ValueSpans {
    if (!this.#enter(OPEN_ARRAY)) {
      this.#skip();
      return NONE;
    }
    const spans: number[] = [];
    while (this.#element()) this.#record(spans);
    return spans;
  }

  #record(spans: number[]): void {
    let from = -1;
    let to = -1;
    if (this.#enter(OPEN_OBJECT)) {
      for (let name = this.#member(); name; name = this.#member()) {
        const start = this.#at;
        this.#skip();
        if (name !== "value") continue;
        from = start;
        to = this.#at;
      }
    } else {
      this.#skip();
    }
    spans.push(from, to);
  }

  /** Steps into an array or object if one begins here. */
  #enter(bracket: number): boolean {
    if (this.#bytes[this.#at] !== bracket || this.#tooDeep) return false;
    this.#at++;
    this.#depth++;
    if (this.#depth > this.#depthMax) this.#stop(true);
    return true;
  }

  /** Goes to the next element of the array that was entered, or leaves it: false. */
  #element(): boolean {
    this.#separators();
    if (this.#at >= this.#end) return false;
    if (this.#bytes[this.#at] !== CLOSE_ARRAY) return true;
    this.#at++;
    this.#depth--;
    return false;
  }

  /** Goes to the value of the object's next member and says its name, or leaves it: undefined. */
  #member(): Name | undefined {
    this.#separators();
    if (this.#at >= this.#end) return undefined;
    const byte = this.#bytes[this.#at];
    if (byte === CLOSE_OBJECT) {
      this.#at++;
      this.#depth--;
      return undefined;
    }
    if (byte !== QUOTE) return this.#stop(false);
    const from = this.#at + 1;
    const to = endOfString(this.#bytes, from, this.#end);
    this.#at = to;
    this.#space();
    if (this.#bytes[this.#at] !== COLON) return this.#stop(false);
    this.#at++;
    this.#members++;
    this.#space();
    return nameOf(this.#bytes, from, to - 1);
  }

  /** Steps over one value, whatever it is. */
  #skip(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    const first = bytes[at] as number;
    if (first === QUOTE) {
      this.#at = endOfString(bytes, at + 1, end);
    } else if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      this.#skipBrackets();
    } else {
      while (at < end && !isBoundary(bytes[at] as number)) at++;
      if (at === this.#at) this.#stop(false);
      else this.#at = at;
    }
  }

  /** Steps over an array or object: the hot loop. */
  #skipBrackets(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    const room = this.#depthMax - this.#depth;
    let at = this.#at;
    let open = 0;
    let members = 0;
    while (at < end) {
      const byte = bytes[at++] as number;
      if (byte === QUOTE) {
        at = endOfString(bytes, at, end);
      } else if ((byte & BRACKET_MASK) === OPEN_ARRAY) {
        if (++open > room) {
          this.#stop(true);
          return;
        }
      } else if ((byte & BRACKET_MASK) === CLOSE_ARRAY) {
        if (--open === 0) break;
      } else if (byte === COLON) {
        members++;
      }
    }
    this.#members += members;
    this.#at = at;
  }

  /** Ends the scan: the message is refused, here or by `JSON.parse`. */
  #stop(tooDeep: boolean): undefined {
    this.#at = this.#end;
    this.#tooDeep ||= tooDeep;
  }

  #space(): void {
    const bytes = this.#bytes;
    while (this.#at < this.#end && isSpace(bytes[this.#at] as number)) this.#at++;
  }

  /** White space and commas. That there is one comma and no more is for `JSON.parse` to see. */
  #separators(): void {
    const bytes = this.#bytes;
    for (; this.#at < this.#end; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (byte !== COMMA && !isSpace(byte)) return;
    }
  }
}

/** Where the string that has its first character at `at` is over, its quote included. */
function endOfString(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at++] as number;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return end;
}

function nameOf(bytes: Uint8Array, from: number, to: number): Name {
  switch (to - from) {
    case VALUE.length:
      if (stands(VALUE, bytes, from)) return "value";
      break;
    case RECORDS.length:
      if (stands(RECORDS, bytes, from)) return "records";
      if (stands(PUBLISH, bytes, from)) return "publish";
      break;
  }
  for (let i = from; i < to; i++) if (bytes[i] === BACKSLASH) return escapedName(bytes, from, to);
  return "other";
}

function stands(name: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false;
  return true;
}

function escapedName(bytes: Uint8Array, from: number, to: number): Name {
  const text = new TextDecoder().decode(bytes.subarray(from - 1, to + 1));
  try {
    const name: unknown = JSON.parse(text);
    return name === "records" || name === "publish" || name === "value" ? name : "other";
  } catch {
    return "other";
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Whether a number or word that is not in quotes ends before this byte. */
function isBoundary(byte: number): boolean {
  return byte === COMMA || (byte & BRACKET_MASK) === CLOSE_ARRAY || isSpace(byte);
}
