/**
 * Reads parameters of paths and queries, by the same rules as the fields of a frame.
 */

import { invalid, isName, MUST_BE_NAME } from "../protocol/fields.ts";

/** The named parts of a path, decoded. */
export type Params = Readonly<Record<string, string>>;

/** The name of a topic or group in the path. */
export function nameIn(params: Params, field: string): string {
  const value = params[field];
  if (isName(value)) return value;
  throw invalid(`${field} ${MUST_BE_NAME}`);
}

/** The partition in the path. It may not exist. */
export function partitionIn(params: Params): number {
  return wholeNumber("partition", params["partition"] ?? "", 0);
}

/** A number in the query; undefined if it is missing. */
export function numberIn(query: URLSearchParams, field: string, min: number): number | undefined {
  const text = query.get(field);
  return text === null ? undefined : wholeNumber(field, text, min);
}

function wholeNumber(field: string, text: string, min: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw invalid(`${field} must be an integer from ${min} to 2^53-1`);
}
