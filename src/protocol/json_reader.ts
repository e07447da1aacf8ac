/**
 * A JSON reader over bytes that can skip values: a value whose `Shape` asks only for its place is
 * checked and not parsed. It accepts exactly what `JSON.parse` accepts, and returns exactly the
 * same values.
 *
 * It stops at the limits of depth and of members before it spends time on what is beyond them.
 * Skipped values may be deeper: their `Span` says so, and only their frame is refused.
 */

import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  JsonCursor,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from "./json_cursor.ts";

/** How a value is to be read. */
export interface Shape {
  /** Shapes of an object's members, by name. */
  readonly members?: ReadonlyMap<string, Shape>;
  /** Shape of an array's elements. */
  readonly elements?: Shape;
  /** The value itself is checked and returned as a `Span`. */
  readonly isSpan?: true;
  /**
   * Reads the value if it is as it usually is. If this returns undefined, the value is read again,
   * in the general way.
   */
  readonly usual?: (cursor: JsonCursor) => object | undefined;
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

/** A value without spans. */
const PLAIN: Shape = {};

/**
 * The result of `JSON.parse` on these bytes, except where `shape` says otherwise. Throws
 * `invalid_frame` if they are not one document.
 */
export function readJson(bytes: Uint8Array, shape: Shape): unknown {
  const cursor = new JsonCursor(bytes);
  const value = read(cursor, shape);
  cursor.finish();
  return value;
}

function read(cursor: JsonCursor, shape: Shape): unknown {
  const first = cursor.next();
  if (shape.isSpan) return readSpan(cursor);
  if (first === QUOTE) return cursor.string();
  if (first === OPEN_OBJECT) return readUsual(cursor, shape) ?? readObject(cursor, shape);
  if (first === OPEN_ARRAY) return readArray(cursor, shape);
  return cursor.scalar(first);
}

function readUsual(cursor: JsonCursor, { usual }: Shape): object | undefined {
  if (!usual) return undefined;
  const mark = cursor.mark();
  const value = usual(cursor);
  if (!value) cursor.goBack(mark);
  return value;
}

function readObject(cursor: JsonCursor, { members }: Shape): object {
  const object: Record<string, unknown> = {};
  cursor.open();
  for (let isFirst = true; cursor.goesOn(CLOSE_OBJECT, isFirst); isFirst = false) {
    cursor.count();
    const name = cursor.name();
    setMember(object, name, read(cursor, members?.get(name) ?? PLAIN));
  }
  return object;
}

function readArray(cursor: JsonCursor, { elements = PLAIN }: Shape): unknown[] {
  cursor.open();
  if (!cursor.goesOn(CLOSE_ARRAY, true)) return [];
  cursor.count();
  const array = [read(cursor, elements)];
  while (cursor.goesOn(CLOSE_ARRAY, false)) {
    cursor.count();
    array.push(read(cursor, elements));
  }
  return array;
}

function readSpan(cursor: JsonCursor): Span {
  const from = cursor.at;
  const isTooDeep = cursor.skip();
  return new Span(from, cursor.at, isTooDeep);
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
