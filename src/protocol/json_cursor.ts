/**
 * A place in the bytes of a JSON document, and the steps that can be made from there: over a
 * bracket, a string, a number, or a whole value. Everything that is stepped over is checked against
 * JSON's grammar and counted against the limits, so that all who read a document through it refuse
 * the same ones.
 */

import { SESSION } from "../limits.ts";
import { invalid } from "./fields.ts";
import { LONGEST_TEXT, textAt } from "./texts.ts";

export const QUOTE = 0x22;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** Maps `E` to `e`. */
const LOWER = 0x20;
const [E, U] = [0x65, 0x75];

const LITERALS: Readonly<Record<number, readonly [text: string, value: unknown]>> = {
  0x74: ["true", true],
  0x66: ["false", false],
  0x6e: ["null", null],
};

/** What may follow a backslash, other than `u`. */
const ESCAPES = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)));

/** Numbers of so many digits are certainly exact. */
const SAFE_DIGITS = 15;

// A byte order mark is kept, and so refused: JSON does not allow one.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** A place to which a cursor can go back. */
export interface Mark {
  readonly at: number;
  readonly depth: number;
  readonly made: number;
}

export class JsonCursor {
  readonly bytes: Uint8Array;
  readonly #end: number;
  #at = 0;
  #depth = 0;
  /** The closing brackets of what is open in a skipped value. */
  readonly #ends: number[] = [];
  /** Members and elements that were parsed so far. */
  #made = 0;
  /** All bytes of all strings, or-ed: above 127 if any is not ASCII. */
  #seen = 0;
  /** The same of the last string. */
  #seenLast = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#end = bytes.length;
  }

  /** The number of bytes that are read. */
  get at(): number {
    return this.#at;
  }

  /** Throws unless the document ends here, and all of it is UTF-8. */
  finish(): void {
    this.next();
    if (this.#at < this.#end) throw noJson();
    if (this.#seen > 127) decode(this.bytes);
  }

  mark(): Mark {
    return { at: this.#at, depth: this.#depth, made: this.#made };
  }

  goBack({ at, depth, made }: Mark): void {
    this.#at = at;
    this.#depth = depth;
    this.#made = made;
  }

  /** The next byte that is not white space; 0 at the end. */
  next(): number {
    const bytes = this.bytes;
    for (; this.#at < this.#end; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (byte > 0x20 || byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        return byte;
      }
    }
    return 0;
  }

  /** Steps over these bytes, if they are next. */
  takes(word: Uint8Array): boolean {
    const bytes = this.bytes;
    const at = this.#at;
    for (let i = 0; i < word.length; i++) {
      if (bytes[at + i] !== word[i]) return false;
    }
    this.#at = at + word.length;
    return true;
  }

  /** Enters an array or object that is parsed. */
  open(): void {
    this.#at++;
    if (++this.#depth <= SESSION.jsonDepth) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonDepth} brackets open at a time`);
  }

  /**
   * Whether the open array or object has a further element or member, which is next. Steps over the
   * comma before it, or the bracket that closes it.
   */
  goesOn(close: number, isFirst: boolean): boolean {
    const byte = this.next();
    if (byte === close) {
      this.#at++;
      this.#depth--;
      return false;
    }
    if (isFirst) return true;
    if (byte !== COMMA) throw noJson();
    this.#at++;
    // After a comma a value must follow; whoever reads it next notices if there is none.
    if (this.next() === close) throw noJson();
    return true;
  }

  /** Counts a member or an element that is parsed. */
  count(): void {
    if (++this.#made <= SESSION.jsonValues) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonValues} members and elements`);
  }

  /** Reads the name of a member; its value is next. */
  name(): string {
    if (this.next() !== QUOTE) throw noJson();
    const name = this.string();
    this.#colon();
    return name;
  }

  /** Whether the member that is next has this name, given with its quotes; then its value is next. */
  member(name: Uint8Array): boolean {
    if (!this.takes(name)) return false;
    this.#colon();
    this.next();
    return true;
  }

  #colon(): void {
    if (this.next() !== COLON) throw noJson();
    this.#at++;
  }

  /** Reads the string that is next. */
  string(): string {
    const from = this.#at + 1;
    const isPlain = this.#stepOverString();
    const to = this.#at - 1;
    if (!isPlain) return JSON.parse(decode(this.bytes.subarray(from - 1, to + 1)));
    return to - from <= LONGEST_TEXT && this.#seenLast <= 127
      ? textAt(this.bytes, from, to)
      : decode(this.bytes.subarray(from, to));
  }

  /** Reads the number, or `true`, `false` or `null`, that is next. */
  scalar(first: number): unknown {
    if (first === MINUS || isDigit(first)) return this.whole() ?? this.#number();
    return this.#literal(first);
  }

  /** Reads the number that is next if it consists of digits only, and not of too many. */
  whole(): number | undefined {
    const bytes = this.bytes;
    const end = this.#end;
    const from = this.#at;
    let at = from;
    let value = 0;
    let byte = 0;
    for (; at < end; at++) {
      byte = bytes[at] as number;
      if (!isDigit(byte)) break;
      value = value * 10 + byte - ZERO;
    }
    const isLong = at - from > SAFE_DIGITS || at - from > 1 && bytes[from] === ZERO;
    if (at === from || isLong || byte === DOT || (byte | LOWER) === E) return undefined;
    this.#at = at;
    return value;
  }

  /**
   * Steps over a value: checks it without parsing it. Returns whether it is too deep. Not recursive,
   * since its depth is not limited.
   */
  skip(): boolean {
    const ends = this.#ends;
    let isTooDeep = false;
    for (;;) {
      const first = this.next();
      let isFirst = false;
      if (first === QUOTE) {
        this.#stepOverString();
      } else if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
        this.#at++;
        if (++this.#depth > SESSION.jsonDepth) isTooDeep = true;
        ends.push(first === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY);
        isFirst = true;
      } else if (first === MINUS || isDigit(first)) {
        this.#stepOverNumber();
      } else {
        this.#literal(first);
      }
      let end = ends.at(-1);
      while (end !== undefined && !this.goesOn(end, isFirst)) {
        ends.pop();
        end = ends.at(-1);
        isFirst = false;
      }
      if (end === undefined) return isTooDeep;
      if (end === CLOSE_OBJECT) this.#skipName();
    }
  }

  #skipName(): void {
    if (this.next() !== QUOTE) throw noJson();
    this.#stepOverString();
    this.#colon();
  }

  /** Returns whether the bytes are the text itself, that is, without escapes. */
  #stepOverString(): boolean {
    const bytes = this.bytes;
    const end = this.#end;
    let isPlain = true;
    let seen = 0;
    let at = this.#at + 1;
    while (at < end) {
      const byte = bytes[at++] as number;
      seen |= byte;
      if (byte === QUOTE) {
        this.#seenLast = seen;
        this.#seen |= seen;
        this.#at = at;
        return isPlain;
      }
      if (byte < 0x20) break;
      if (byte !== BACKSLASH) continue;
      isPlain = false;
      const escape = bytes[at++] as number;
      if (escape === U) {
        for (const stop = at + 4; at < stop; at++) if (!isHex(bytes[at])) throw noJson();
      } else if (!ESCAPES.has(escape)) {
        break;
      }
    }
    throw noJson();
  }

  #number(): number {
    const from = this.#at;
    this.#stepOverNumber();
    return Number(decode(this.bytes.subarray(from, this.#at)));
  }

  #stepOverNumber(): void {
    if (this.bytes[this.#at] === MINUS) this.#at++;
    if (this.bytes[this.#at] === ZERO) this.#at++;
    else this.#digits();
    if (this.bytes[this.#at] === DOT) {
      this.#at++;
      this.#digits();
    }
    if (((this.bytes[this.#at] ?? 0) | LOWER) === E) {
      this.#at++;
      const sign = this.bytes[this.#at];
      if (sign === MINUS || sign === 0x2b) this.#at++;
      this.#digits();
    }
  }

  /** One digit or more. */
  #digits(): void {
    const bytes = this.bytes;
    let at = this.#at;
    while (at < this.#end && isDigit(bytes[at] as number)) at++;
    if (at === this.#at) throw noJson();
    this.#at = at;
  }

  #literal(first: number): unknown {
    const literal = LITERALS[first];
    if (!literal) throw noJson();
    const [text, value] = literal;
    for (let i = 0; i < text.length; i++) {
      if (this.bytes[this.#at + i] !== text.charCodeAt(i)) throw noJson();
    }
    this.#at += text.length;
    return value;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | LOWER;
  return isDigit(byte) || lower >= 0x61 && lower <= 0x66;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw noJson();
  }
}

function noJson(): Error {
  return invalid("This is not one JSON document in UTF-8");
}
