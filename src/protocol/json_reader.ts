/**
 * A JSON reader over bytes that can skip values: a value whose `Shape` asks only for its place is
 * checked and not parsed. It accepts exactly what `JSON.parse` accepts, and returns exactly the
 * same values.
 *
 * It stops at the limits of depth and of members before it spends time on what is beyond them.
 * Skipped values may be deeper: their `Span` says so, and only their frame is refused.
 */

import { SESSION } from "../limits.ts";
import { invalid } from "./fields.ts";
import { LONGEST_TEXT, textAt } from "./texts.ts";

/** How a value is to be read. */
export interface Shape {
  /** Shapes of an object's members, by name. */
  readonly members?: ReadonlyMap<string, Shape>;
  /** Shape of an array's elements. */
  readonly elements?: Shape;
  /** The value itself is checked and returned as a `Span`. */
  readonly isSpan?: true;
}

/** The place of a value that was not parsed: bytes `from` up to `to`, exclusive. */
export class Span {
  readonly from: number;
  readonly to: number;
  /** It has more open brackets than allowed: the caller must refuse it. */
  readonly isTooDeep: boolean;

  constructor(from: number, to: number, isTooDeep: boolean) {
    this.from = from;
    this.to = to;
    this.isTooDeep = isTooDeep;
  }
}

/**
 * The result of `JSON.parse` on these bytes, except where `shape` says otherwise. Throws
 * `invalid_frame` if they are not one document.
 */
export function readJson(bytes: Uint8Array, shape: Shape): unknown {
  return new JsonReader(bytes).document(shape);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
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
/** A value without spans. */
const PLAIN: Shape = {};

// A byte order mark is kept, and so refused: JSON does not allow one.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

class JsonReader {
  readonly #bytes: Uint8Array;
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
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  document(shape: Shape): unknown {
    const value = this.#value(shape);
    this.#next();
    if (this.#at < this.#end) throw noJson();
    if (this.#seen > 127) decode(this.#bytes);
    return value;
  }

  #value(shape: Shape): unknown {
    const first = this.#next();
    if (shape.isSpan) return this.#span();
    if (first === QUOTE) return this.#string();
    if (first === OPEN_OBJECT) return this.#object(shape);
    if (first === OPEN_ARRAY) return this.#array(shape);
    if (first === MINUS || isDigit(first)) return this.#number();
    return this.#literal(first);
  }

  #object({ members }: Shape): unknown {
    const object: Record<string, unknown> = {};
    this.#open();
    for (let isFirst = true; this.#goesOn(CLOSE_OBJECT, isFirst); isFirst = false) {
      this.#count();
      const name = this.#name();
      setMember(object, name, this.#value(members?.get(name) ?? PLAIN));
    }
    return object;
  }

  #array({ elements = PLAIN }: Shape): unknown {
    this.#open();
    if (!this.#goesOn(CLOSE_ARRAY, true)) return [];
    this.#count();
    const array = [this.#value(elements)];
    while (this.#goesOn(CLOSE_ARRAY, false)) {
      this.#count();
      array.push(this.#value(elements));
    }
    return array;
  }

  #span(): Span {
    const from = this.#at;
    const isTooDeep = this.#skip();
    return new Span(from, this.#at, isTooDeep);
  }

  /**
   * Skips a value: checks it without parsing it. Returns whether it is too deep. Not recursive,
   * since its depth is not limited.
   */
  #skip(): boolean {
    const ends = this.#ends;
    let isTooDeep = false;
    for (;;) {
      const first = this.#next();
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
      while (end !== undefined && !this.#goesOn(end, isFirst)) {
        ends.pop();
        end = ends.at(-1);
        isFirst = false;
      }
      if (end === undefined) return isTooDeep;
      if (end === CLOSE_OBJECT) this.#skipName();
    }
  }

  /** Enters an array or object that is parsed. */
  #open(): void {
    this.#at++;
    if (++this.#depth <= SESSION.jsonDepth) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonDepth} brackets open at a time`);
  }

  /** Reads the name of a member; its value is next. */
  #name(): string {
    if (this.#next() !== QUOTE) throw noJson();
    const name = this.#string();
    this.#colon();
    return name;
  }

  #skipName(): void {
    if (this.#next() !== QUOTE) throw noJson();
    this.#stepOverString();
    this.#colon();
  }

  #goesOn(close: number, isFirst: boolean): boolean {
    const byte = this.#next();
    if (byte === close) {
      this.#at++;
      this.#depth--;
      return false;
    }
    if (isFirst) return true;
    if (byte !== COMMA) throw noJson();
    this.#at++;
    // After a comma a value must follow; whoever reads it next notices if there is none.
    if (this.#next() === close) throw noJson();
    return true;
  }

  #count(): void {
    if (++this.#made <= SESSION.jsonValues) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonValues} members and elements`);
  }

  #colon(): void {
    if (this.#next() !== COLON) throw noJson();
    this.#at++;
  }

  #string(): string {
    const from = this.#at + 1;
    const isPlain = this.#stepOverString();
    const to = this.#at - 1;
    if (!isPlain) return JSON.parse(decode(this.#bytes.subarray(from - 1, to + 1)));
    return to - from <= LONGEST_TEXT && this.#seenLast <= 127
      ? textAt(this.#bytes, from, to)
      : decode(this.#bytes.subarray(from, to));
  }

  /** Returns whether the bytes are the text itself, that is, without escapes. */
  #stepOverString(): boolean {
    const bytes = this.#bytes;
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
    const bytes = this.#bytes;
    const to = this.#at;
    let value = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (!isDigit(byte) || at - from >= SAFE_DIGITS) {
        return Number(decode(bytes.subarray(from, to)));
      }
      value = value * 10 + byte - ZERO;
    }
    return value;
  }

  #stepOverNumber(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    if (this.#bytes[this.#at] === ZERO) this.#at++;
    else this.#digits();
    if (this.#bytes[this.#at] === DOT) {
      this.#at++;
      this.#digits();
    }
    if (((this.#bytes[this.#at] ?? 0) | LOWER) === E) {
      this.#at++;
      const sign = this.#bytes[this.#at];
      if (sign === MINUS || sign === 0x2b) this.#at++;
      this.#digits();
    }
  }

  /** One digit or more. */
  #digits(): void {
    const bytes = this.#bytes;
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
      if (this.#bytes[this.#at + i] !== text.charCodeAt(i)) throw noJson();
    }
    this.#at += text.length;
    return value;
  }

  /** The next byte that is not white space; 0 at the end. */
  #next(): number {
    const bytes = this.#bytes;
    for (; this.#at < this.#end; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (byte > 0x20 || byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        return byte;
      }
    }
    return 0;
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

/** Sets it as an own member, whatever its name, `__proto__` included. */
function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") {
    object[name] = value;
  } else {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(object, name, own);
  }
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
