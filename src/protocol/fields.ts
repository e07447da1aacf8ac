/**
 * Valibot schemas of single fields in frames and HTTP bodies. Their messages continue a sentence
 * that begins with the path: "records[3].key must be …".
 *
 * 1. Members are picked by name and others dropped: no name that a client invents, above all
 *    `__proto__`, is ever set on an object of ours, except the names of headers.
 * 2. Numbers are plain integers. Minus zero is refused, since stores and maps treat it differently.
 */

import * as v from "valibot";
import { GatewayError } from "../errors.ts";
import { NAMES, SESSION } from "../limits.ts";

const NAME = /^[A-Za-z0-9.-][A-Za-z0-9._-]*$/;

/** Topics and groups. Names that begin with `_` are reserved. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= NAMES.length && NAME.test(value) &&
    value !== "." && value !== "..";
}

/** An integer from 0 to 2^53-1. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

export function isInteger(value: unknown, min: number, max: number): value is number {
  return isWhole(value) && value >= min && value <= max;
}

/** A JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string that UTF-8 can carry. */
export function isWellFormed(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** A name that a person or a program may choose. */
export function isLabel(value: unknown): value is string {
  return isWellFormed(value) && value !== "" && value.length <= NAMES.length &&
    !hasControl(value);
}

/** Whether it has any character of Unicode's category Cc. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code >= 0x7f && code < 0xa0) return true;
  }
  return false;
}

export const MUST_BE_NAME =
  `must be 1 to ${NAMES.length} of A-Z a-z 0-9 . _ -, not begin with _, and not be . or ..`;
export const MUST_BE_LABEL =
  `must be a string of 1 to ${NAMES.length} characters, with no control characters and no lone surrogates`;
export const MUST_BE_KEY = "must be a string without lone surrogates";
export const MUST_BE_SHALLOW =
  `must not have more than ${SESSION.jsonDepth} brackets open, with those around it`;
export const MUST_BE_WHOLE = "must be an integer from 0 to 2^53-1";

/** Offsets, epochs, times, counts. */
export const whole = v.custom<number>(isWhole, MUST_BE_WHOLE);

export function integer(min: number, max: number) {
  return v.custom<number>(
    (value) => isInteger(value, min, max),
    `must be an integer from ${min} to ${max}`,
  );
}

export const string = v.string("must be a string");

export const key = v.custom<string>(isWellFormed, MUST_BE_KEY);

/** Producers, instances, incarnations: names that a person or a program may choose. */
export const label = v.custom<string>(isLabel, MUST_BE_LABEL);

export const name = v.custom<string>(isName, MUST_BE_NAME);

/** One of these strings. */
export function oneOf<const T extends readonly string[]>(...values: T) {
  const quoted = values.map((value) => `"${value}"`).join(" or ");
  return v.picklist(values, `must be ${quoted}`);
}

/** An object with these members. The error for a missing one says what it must be. */
export function members<const E extends v.ObjectEntries>(entries: E) {
  return v.object(entries, ({ path }) => {
    const missing = path && entries[String(path[0].key)];
    const message = missing && "message" in missing && missing.message;
    return typeof message === "string" ? message : "must be an object";
  });
}

/** An array with `min` to `max` elements. */
export function list<const S extends v.GenericSchema>(item: S, min: number, max: number) {
  const least = min === 0 ? "" : ` of at least ${min}`;
  const message = `must be an array${max === Infinity ? least : ` of ${min} to ${max}`}`;
  // The length is checked first: a list that is too long is not traversed.
  return v.pipe(
    v.custom<v.InferInput<S>[]>(
      (given) => Array.isArray(given) && given.length >= min && given.length <= max,
      message,
    ),
    v.array(item, message),
  );
}

/** A list of names, where a repeated one has no further effect. */
export function set<const S extends v.GenericSchema<unknown, string | number>>(
  item: S,
  min: number,
  max: number,
) {
  return v.pipe(list(item, min, max), v.transform((given) => [...new Set(given)]));
}

/**
 * The value that the schema makes of `given`. Throws `invalid_frame` for the first field that is
 * wrong.
 */
export function check<const S extends v.GenericSchema>(
  schema: S,
  given: unknown,
): v.InferOutput<S> {
  const checked = v.safeParse(schema, given, FIRST_ONLY);
  if (checked.success) return checked.output;
  throw invalid(complaint(checked.issues[0]));
}

const FIRST_ONLY = { abortEarly: true } as const;

export function invalid(message: string): GatewayError {
  return new GatewayError("invalid_frame", message);
}

/** An issue of a schema, as a sentence that begins with the field. */
function complaint(issue: v.BaseIssue<unknown>): string {
  let field = "";
  for (const { key } of issue.path ?? []) {
    if (typeof key === "number") field += `[${key}]`;
    else field += field === "" ? String(key) : `.${String(key)}`;
  }
  return field === "" ? issue.message : `${field} ${issue.message}`;
}
