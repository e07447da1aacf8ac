/**
 * The bodies of HTTP requests, decoded by the same rules as frames. Every function takes the bytes
 * of a body and throws `invalid_frame`, or for records any error that a publish may get.
 */

import * as v from "valibot";
import { TOPIC } from "../limits.ts";
import type { ProducerStamp, RecordIn } from "../types.ts";
import {
  check,
  integer,
  invalid,
  isObject,
  label,
  members,
  name,
  oneOf,
  set,
  whole,
} from "./fields.ts";
import { positions, publishBody } from "./frames.ts";
import { readMessage } from "./json.ts";
import { readRecords } from "./records.ts";

const positive = integer(1, Number.MAX_SAFE_INTEGER);

const topicBody = members({
  partitions: integer(1, TOPIC.partitions),
  retentionMs: v.exactOptional(positive),
  retentionBytes: v.exactOptional(positive),
});

const producerBody = members({ name: v.exactOptional(label) });

const offsetsBody = v.lazy((given) => {
  return isObject(given) && "topics" in given ? endsBody : positionsBody;
});
const positionsBody = members({ offsets: positions });
const endsBody = members({
  offsets: v.exactOptional(v.never("must not stand beside topics")),
  topics: set(name, 1, Infinity),
  to: v.union(
    [oneOf("earliest", "latest"), members({ timestamp: whole })],
    'must be "earliest", "latest" or {timestamp}',
  ),
});

/** `PUT /v1/topics/{topic}` */
export type TopicBody = v.InferOutput<typeof topicBody>;

/** `POST /v1/producers` */
export type ProducerBody = v.InferOutput<typeof producerBody>;

/**
 * `PUT /v1/groups/{group}/offsets`: to given positions, or to one place in all partitions of
 * topics.
 */
export type OffsetsBody = v.InferOutput<typeof positionsBody> | v.InferOutput<typeof endsBody>;

/** `POST /v1/topics/{topic}/records` */
export interface RecordsBody {
  readonly records: readonly RecordIn[];
  readonly producer?: ProducerStamp;
}

export function decodeTopic(bytes: Uint8Array): TopicBody {
  return check(topicBody, readObject(bytes));
}

/** All fields are optional, so the body may be empty. */
export function decodeProducer(bytes: Uint8Array): ProducerBody {
  return bytes.length === 0 ? {} : check(producerBody, readObject(bytes));
}

export function decodeOffsets(bytes: Uint8Array): OffsetsBody {
  return check(offsetsBody, readObject(bytes));
}

/** The records are spans of `bytes`. */
export function decodeRecords(bytes: Uint8Array): RecordsBody {
  const body = check(publishBody, readObject(bytes));
  return { ...body, records: readRecords(body.records, bytes, "records") };
}

function readObject(bytes: Uint8Array): Record<string, unknown> {
  const value = readMessage(bytes);
  if (isObject(value)) return value;
  throw invalid("The body must be a JSON object");
}
