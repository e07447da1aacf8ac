/**
 * From the bytes of a message or of an HTTP body to one JSON document and the places of its records'
 * values. The bytes go on into the log and from there to other clients, so they must be UTF-8
 * whatever the door has looked at.
 */

import { SESSION } from "../limits.ts";
import { invalid } from "./fields.ts";
import { type FrameSpans, scan } from "./scan.ts";

export interface Document {
  readonly value: unknown;
  /** For the document, or for each element if it is an array: where its records' values stand. */
  readonly spans: readonly FrameSpans[];
}

/** Throws `invalid_frame` for all that is not one document within the limits of its shape. */
export function readJson(bytes: Uint8Array): Document {
  const { tooDeep, members, frames } = scan(bytes, SESSION.jsonDepth);
  if (tooDeep) {
    throw invalid(`JSON must not have more than ${SESSION.jsonDepth} brackets open at a time`);
  }
  if (members > SESSION.jsonMembers) {
    throw invalid(`JSON must not have more than ${SESSION.jsonMembers} members in its objects`);
  }
  try {
    return { value: JSON.parse(textOf(bytes)), spans: frames };
  } catch {
    throw invalid("This is not one JSON document in UTF-8");
  }
}

// A byte order mark is kept, and so refused: JSON does not allow one.
const fast = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Throws on what is not UTF-8. The strict decoder alone costs four times as much. */
function textOf(bytes: Uint8Array): string {
  const text = fast.decode(bytes);
  // Either a client's own character or the mark of an error.
  return text.includes("\ufffd") ? strict.decode(bytes) : text;
}
