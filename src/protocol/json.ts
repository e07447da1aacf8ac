/**
 * From the bytes of a message or of an HTTP body to one JSON document and the places of its records'
 * values, so that a value is kept as its client wrote it and never printed again, and nothing is made of
 * what is only kept.
 *
 * 1. It is what `JSON.parse` makes of it, but for the values of records: those are checked, and null
 *    stands for them.
 * 2. The bytes go on into the log and from there to other clients, so all of them are UTF-8.
 * 3. Of members with the same name the last one counts, as with `JSON.parse`.
 */

import { JsonReader, OPEN_ARRAY, OPEN_OBJECT, setMember } from "./json_reader.ts";

/** Where the value of each element of `records` stands: `[from, to, from, to, …]`, -1 for none. */
export type ValueSpans = readonly number[];

/** The spans of one frame, or of the body of an HTTP request. */
export interface FrameSpans {
  /** Of its member `records`. */
  records?: ValueSpans;
  /** Of the member `records` of each element of its member `publish`. */
  parts?: readonly ValueSpans[];
}

export interface Document {
  readonly value: unknown;
  /** For the document, or for each element if it is an array: where its records' values stand. */
  readonly spans: readonly FrameSpans[];
}

/** Throws `invalid_frame` for all that is not one document within the limits of its shape. */
export function readJson(bytes: Uint8Array): Document {
  return new DocumentReader(bytes).document();
}

const NONE: ValueSpans = [];

class DocumentReader extends JsonReader {
  document(): Document {
    const spans: FrameSpans[] = [];
    let value: unknown;
    if (this.next() === OPEN_ARRAY) {
      const frames: unknown[] = [];
      for (this.open(); this.element(frames.length === 0);) frames.push(this.#frame(spans));
      value = frames;
    } else {
      value = this.#frame(spans);
    }
    this.finish();
    return { value, spans };
  }

  /** An object with members that lead to records, whose spans are added; or any other value. */
  #frame(to: FrameSpans[]): unknown {
    const spans: FrameSpans = {};
    to.push(spans);
    if (this.next() !== OPEN_OBJECT) return this.value();
    const frame: Record<string, unknown> = {};
    this.open();
    for (let name = this.member(true); name !== undefined; name = this.member(false)) {
      if (name === "records") {
        const found: number[] = [];
        setMember(frame, name, this.#records(found));
        spans.records = found;
      } else if (name === "publish") {
        const found: FrameSpans[] = [];
        setMember(frame, name, this.#parts(found));
        spans.parts = found.map(({ records = NONE }) => records);
      } else {
        setMember(frame, name, this.value());
      }
    }
    return frame;
  }

  #parts(spans: FrameSpans[]): unknown {
    if (this.next() !== OPEN_ARRAY) return this.value();
    const parts: unknown[] = [];
    for (this.open(); this.element(parts.length === 0);) parts.push(this.#frame(spans));
    return parts;
  }

  #records(spans: number[]): unknown {
    if (this.next() !== OPEN_ARRAY) return this.value();
    const records: unknown[] = [];
    for (this.open(); this.element(records.length === 0);) records.push(this.#record(spans));
    return records;
  }

  #record(spans: number[]): unknown {
    const at = spans.push(-1, -1) - 2;
    if (this.next() !== OPEN_OBJECT) return this.value();
    const record: Record<string, unknown> = {};
    this.open();
    for (let name = this.member(true); name !== undefined; name = this.member(false)) {
      if (name === "value") {
        this.next();
        spans[at] = this.at;
        this.skip();
        spans[at + 1] = this.at;
        record["value"] = null;
      } else {
        setMember(record, name, this.value());
      }
    }
    return record;
  }
}
