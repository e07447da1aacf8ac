/**
 * JSON from bytes, one value at a time, for whoever reads a document with something more in mind than its
 * values: where they stand, and which of them are only to be stepped over. It takes exactly what
 * `JSON.parse` takes, and makes of it exactly what that makes.
 *
 * It stops at the bounds of depth, and of what is made, before time was spent on what is beyond them.
 */

import { SESSION } from "../limits.ts";
import { invalid } from "./fields.ts";
import { nameIn } from "./names.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Takes `E` to `e`. */
const LOWER = 0x20;
const [E, U] = [0x65, 0x75];

const LITERALS: Readonly<Record<number, readonly [text: string, value: unknown]>> = {
  0x74: ["true", true],
  0x66: ["false", false],
  0x6e: ["null", null],
};

/** What may stand behind a backslash, `u` apart. */
const ESCAPES = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)));

/** Digits that are certain to make a number without rounding. */
const SAFE_DIGITS = 15;
/** Longer texts are decoded by the platform, which costs as much as so many letters. */
const SHORT_TEXT = 24;

// A byte order mark is kept, and so refused: JSON does not allow one.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

export class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;
  #depth = 0;
  /** Members and elements of which something was made. */
  #made = 0;
  /** All bytes of all strings, or-ed: above 127 if any is no ASCII. */
  #seen = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Nothing but white space is left, and all of it is UTF-8. */
  protected finish(): void {
    this.next();
    if (this.#at < this.#end) throw noJson();
    if (this.#seen > 127) decode(this.#bytes);
  }

  protected value(): unknown {
    const first = this.next();
    if (first === QUOTE) return this.#string();
    if (first === OPEN_OBJECT) return this.#object();
    if (first === OPEN_ARRAY) return this.#array();
    if (first === MINUS || isDigit(first)) return this.#number();
    return this.#literal(first);
  }

  #object(): unknown {
    const object: Record<string, unknown> = {};
    this.open();
    for (let name = this.member(true); name !== undefined; name = this.member(false)) {
      setMember(object, name, this.value());
    }
    return object;
  }

  #array(): unknown {
    const array: unknown[] = [];
    for (this.open(); this.element(array.length === 0);) array.push(this.value());
    return array;
  }

  /** Steps over one value, which is checked, and of which nothing is made. */
  protected skip(): void {
    const first = this.next();
    if (first === QUOTE) {
      this.#stepOverString();
    } else if (first === OPEN_OBJECT) {
      this.open();
      for (let isFirst = true; this.#skipName(isFirst); isFirst = false) this.skip();
    } else if (first === OPEN_ARRAY) {
      this.open();
      for (let isFirst = true; this.#goesOn(CLOSE_ARRAY, isFirst); isFirst = false) this.skip();
    } else if (first === MINUS || isDigit(first)) {
      this.#stepOverNumber();
    } else {
      this.#literal(first);
    }
  }

  /** Steps into an array or object. */
  protected open(): void {
    this.#at++;
    if (++this.#depth <= SESSION.jsonDepth) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonDepth} brackets open at a time`);
  }

  /** Whether the array has another element, which is next; if not, steps out of it. */
  protected element(isFirst: boolean): boolean {
    if (!this.#goesOn(CLOSE_ARRAY, isFirst)) return false;
    this.#count();
    return true;
  }

  /** The name of the object's next member, whose value is next; undefined behind the object. */
  protected member(isFirst: boolean): string | undefined {
    if (!this.#goesOn(CLOSE_OBJECT, isFirst)) return undefined;
    this.#count();
    if (this.next() !== QUOTE) throw noJson();
    const from = this.#at + 1;
    const isPlain = this.#stepOverString();
    const to = this.#at - 1;
    this.#colon();
    return isPlain
      ? nameIn(this.#bytes, from, to) ?? this.#plain(from, to)
      : this.#escaped(from, to);
  }

  #skipName(isFirst: boolean): boolean {
    if (!this.#goesOn(CLOSE_OBJECT, isFirst)) return false;
    if (this.next() !== QUOTE) throw noJson();
    this.#stepOverString();
    this.#colon();
    return true;
  }

  #goesOn(close: number, isFirst: boolean): boolean {
    const byte = this.next();
    if (byte === close) {
      this.#at++;
      this.#depth--;
      return false;
    }
    if (isFirst) return true;
    if (byte !== COMMA) throw noJson();
    this.#at++;
    // Behind a comma something must come: that it is no value is found out by whoever reads it.
    if (this.next() === close) throw noJson();
    return true;
  }

  /** Where the next byte stands. */
  protected get at(): number {
    return this.#at;
  }

  #count(): void {
    if (++this.#made <= SESSION.jsonValues) return;
    throw invalid(`JSON must not have more than ${SESSION.jsonValues} members and elements`);
  }

  #colon(): void {
    if (this.next() !== COLON) throw noJson();
    this.#at++;
  }

  #string(): string {
    const from = this.#at + 1;
    const isPlain = this.#stepOverString();
    return isPlain ? this.#plain(from, this.#at - 1) : this.#escaped(from, this.#at - 1);
  }

  /** Returns whether it stands for itself: nothing in it is an escape. */
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

  /** The text of a string without escapes. */
  #plain(from: number, to: number): string {
    const bytes = this.#bytes;
    if (to - from > SHORT_TEXT || this.#seen > 127) return decode(bytes.subarray(from, to));
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] as number);
    return text;
  }

  #escaped(from: number, to: number): string {
    return JSON.parse(decode(this.#bytes.subarray(from - 1, to + 1)));
  }

  #number(): number {
    const from = this.#at;
    this.#stepOverNumber();
    const bytes = this.#bytes;
    const to = this.#at;
    let value = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (!isDigit(byte) || at - from >= SAFE_DIGITS) return Number(this.#ascii(from, to));
      value = value * 10 + byte - ZERO;
    }
    return value;
  }

  #ascii(from: number, to: number): string {
    return decode(this.#bytes.subarray(from, to));
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

  /** At least one. */
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

  /** The next byte that is no white space; 0 at the end. */
  protected next(): number {
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

/** Sets it as a member of its own, whatever its name: `__proto__` is one like any other. */
export function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  else {Object.defineProperty(object, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });}
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
