/**
 * Reads the bytes of a message or an HTTP body as one JSON document, without parsing the values of
 * records: a `Span` marks where each is, so that it is stored exactly as the client wrote it and
 * never serialised again.
 *
 * The bytes go into the log and on to other clients, so all of them must be UTF-8, also those that
 * are only stepped over.
 */

import { readJson, type Shape } from "./json_reader.ts";
import { readUsualPublish } from "./usual_publish.ts";

const RECORDS: Shape = { elements: { members: new Map([["value", { isSpan: true }]]) } };
const PART: Shape = { members: new Map([["records", RECORDS]]) };
const FRAME: Shape = { members: new Map([["records", RECORDS], ["publish", { elements: PART }]]) };

/** One frame, an array of them, or the body of an HTTP request. */
const MESSAGE: Shape = { ...FRAME, elements: FRAME };

const USUALLY_PUBLISH: Shape = { ...FRAME, usual: readUsualPublish };
const FRAMES: Shape = { ...USUALLY_PUBLISH, elements: USUALLY_PUBLISH };

/** Throws `invalid_frame` unless it is one document within the limits of its shape. */
export function readMessage(bytes: Uint8Array): unknown {
  return readJson(bytes, MESSAGE);
}

/** The same, with a `PublishFrame` wherever one could be read at once. */
export function readFrames(bytes: Uint8Array): unknown {
  return readJson(bytes, FRAMES);
}
