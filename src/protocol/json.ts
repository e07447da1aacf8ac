/**
 * From the bytes of a message or of an HTTP body to one JSON document in which the values of records
 * are not made: a `Span` says where each stands, so that it is kept as its client wrote it and never
 * printed again.
 *
 * The bytes go on into the log and from there to other clients, so all of them are UTF-8, also those of
 * what is only stepped over.
 */

import { readJson, type Shape } from "./json_reader.ts";

const RECORDS: Shape = { elements: { members: new Map([["value", { isSpan: true }]]) } };
const PART: Shape = { members: new Map([["records", RECORDS]]) };
const FRAME: Shape = { members: new Map([["records", RECORDS], ["publish", { elements: PART }]]) };

/** One frame or several, or the body of an HTTP request. */
const MESSAGE: Shape = { ...FRAME, elements: FRAME };

/** Throws `invalid_frame` for all that is not one document within the limits of its shape. */
export function readMessage(bytes: Uint8Array): unknown {
  return readJson(bytes, MESSAGE);
}
