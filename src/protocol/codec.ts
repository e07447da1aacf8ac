/**
 * Decodes messages into frames, and encodes replies and pushes. A message is one frame or an array
 * of them; an invalid frame does not affect the others, so decoding returns a result for each frame
 * and never throws.
 *
 * An error has the frame's id where that can be read, so that the client knows which request
 * failed.
 */

import { GatewayError } from "../errors.ts";
import { SESSION } from "../limits.ts";
import type { Place, ProducerStamp } from "../types.ts";
import { check, invalid, isInteger, isObject } from "./fields.ts";
import { type ClientFrame, FRAMES, type FrameType, ID_MAX, PublishFrame } from "./frames.ts";
import { readFrames } from "./json.ts";
import { readPublish, stampsIn } from "./publish.ts";
import { readRecords } from "./records.ts";

/** A frame, or its error. */
export type Decoded = Accepted | Refused;

export interface Accepted {
  readonly frame: ClientFrame;
  readonly id?: never;
  readonly error?: never;
}

export interface Refused {
  readonly frame?: never;
  readonly id?: number;
  readonly error: GatewayError;
  /** The producer stamps that it had, as far as they could be read. */
  readonly stamps: readonly ProducerStamp[];
}

/** Decodes one text message. The records of its frames are spans of `bytes`. */
export function decodeMessage(bytes: Uint8Array): Decoded[] {
  try {
    const message = readFrames(bytes);
    if (!Array.isArray(message)) return [decodeFrame(message, bytes)];
    if (message.length < 1 || message.length > SESSION.framesPerMessage) {
      const allowed = `1 to ${SESSION.framesPerMessage}`;
      throw invalid(`The message must be a frame or an array of ${allowed} frames`);
    }
    return message.map((given) => decodeFrame(given, bytes));
  } catch (error) {
    return [refusal(error, undefined, [])];
  }
}

/** The answer to a request. */
export function okFrame(id: number, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ type: "ok", id, ...fields });
}

/** The refusal of a request, or without an id, of something that belongs to no known request. */
export function errorFrame(id: number | undefined, error: GatewayError): string {
  return JSON.stringify({ type: "error", id, ...error.fields() });
}

/** A frame that is not a reply. */
export function pushFrame(type: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ type, ...fields });
}

/** The reply to a publish. Concatenated by hand, since there is one for every publish. */
export function publishedFrame(id: number, offsets: readonly Place[], duplicate: boolean): string {
  let text = `{"type":"ok","id":${id},"offsets":[`;
  for (let i = 0; i < offsets.length; i++) {
    const [partition, offset] = offsets[i] as Place;
    text += i === 0 ? `[${partition},${offset}]` : `,[${partition},${offset}]`;
  }
  return text + (duplicate ? '],"duplicate":true}' : "]}");
}

function decodeFrame(given: unknown, bytes: Uint8Array): Decoded {
  if (given instanceof PublishFrame) return { frame: given };
  let id: number | undefined;
  try {
    if (!isObject(given)) throw invalid("A frame must be a JSON object");
    if (given.id !== undefined && !isInteger(given.id, 1, ID_MAX)) {
      throw invalid(`id must be an integer from 1 to ${ID_MAX}`);
    }
    id = given.id;
    const type = typeOf(given);
    const frame = type === "publish"
      ? publishFrame(id, given, bytes)
      : readFrame(type, given, bytes);
    return { frame };
  } catch (error) {
    return refusal(error, id, stampsIn(given));
  }
}

function publishFrame(
  id: number | undefined,
  given: Record<string, unknown>,
  bytes: Uint8Array,
): PublishFrame {
  const { topic, records, producer } = readPublish(given);
  return new PublishFrame(id, topic, readRecords(records, bytes, "records"), producer);
}

function readFrame(
  type: Exclude<FrameType, "publish">,
  given: Record<string, unknown>,
  bytes: Uint8Array,
): ClientFrame {
  const frame = check(FRAMES[type], given);
  if (frame.type !== "transact") return frame;
  const publish = frame.publish.map((part, i) => {
    return { ...part, records: readRecords(part.records, bytes, `publish[${i}].records`) };
  });
  return { ...frame, publish };
}

function typeOf({ type }: Record<string, unknown>): FrameType {
  if (typeof type !== "string") throw invalid("type must be a string");
  if (Object.hasOwn(FRAMES, type)) return type as FrameType;
  throw new GatewayError("unknown_type", `There is no frame type ${quoted(type)}`);
}

/** What a client sent, shortened, without characters that a terminal or a log would interpret. */
function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return `"${short.replace(/[^ -~]/g, "?")}"`;
}

function refusal(
  error: unknown,
  id: number | undefined,
  stamps: readonly ProducerStamp[],
): Refused {
  if (!(error instanceof GatewayError)) throw error;
  return id === undefined ? { error, stamps } : { id, error, stamps };
}
