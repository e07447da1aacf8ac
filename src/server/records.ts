/**
 * Records over HTTP: published in, and read out of one partition. What is read is spliced together
 * from the bytes that are stored, as in a push.
 */

import { GatewayError } from "../errors.ts";
import { LOG } from "../limits.ts";
import { Lane } from "../log/lane.ts";
import type { Log } from "../log/log.ts";
import type { Section } from "../log/section.ts";
import { RecordCursor } from "../log/record.ts";
import { unknownTopic } from "../log/topics.ts";
import type { AppendResult } from "../log/append.ts";
import { decodeRecords } from "../protocol/bodies.ts";
import type { Offset } from "../types.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn, numberIn, partitionIn } from "./params.ts";

const defaultLimit = 100;
const utf8 = new TextDecoder();

export function recordRoutes(log: Log): Routes {
  return {
    "/v1/topics/:topic/records": {
      async POST(request, params) {
        const name = nameIn(params, "topic");
        const { records, producer } = decodeRecords(await readBody(request));
        const topic = await log.topics.ensure(name);
        const lane = new Lane();
        const stamp = producer && {
          producer,
          admission: {
            lane,
            generation: lane.generation,
            repeat: lane.admit(producer.sequence) === "repeat",
          },
        };
        const result = await new Promise<AppendResult>((done) =>
          log.append({ parts: [{ topic, records, ...stamp }], done })
        );
        if (!result.ok) throw result.error;
        const { offsets, duplicate } = result;
        return Response.json({ offsets: offsets[0], ...(duplicate ? { duplicate } : {}) });
      },
    },
    "/v1/topics/:topic/partitions/:partition/records": {
      async GET(request, params) {
        const name = nameIn(params, "topic");
        const partition = partitionIn(params);
        const topic = await log.topics.find(name);
        if (!topic) throw unknownTopic(name);
        if (partition >= topic.partitions) {
          throw new GatewayError(
            "unknown_partition",
            `Topic ${name} has no partition ${partition}`,
          );
        }
        const { start, next } = await log.bounds(topic, partition);
        const offset = numberIn(request, "offset", 0) ?? start;
        const limit = numberIn(request, "limit", 1) ?? defaultLimit;
        if (offset < start) {
          throw new GatewayError(
            "offset_out_of_range",
            `Cannot read offset ${offset} of ${name}/${partition}: the log begins at ${start}`,
            { start, next },
          );
        }
        if (offset >= next) return Response.json({ records: [], next: offset });
        const { sections } = await log.read(topic, partition, offset, LOG.readBytes);
        const records = [...textsFrom(sections, offset, limit)];
        return new Response(
          `{"records":[${records.join(",")}],"next":${offset + records.length}}`,
          { headers: { "content-type": "application/json" } },
        );
      },
    },
  };
}

/** The records from `offset` on, as JSON, no more than `limit`. */
function* textsFrom(
  sections: readonly Section[],
  offset: Offset,
  limit: number,
): Generator<string> {
  let left = limit;
  for (const section of sections) {
    const cursor = new RecordCursor(section.payload, section.time);
    for (let at = section.base; cursor.next(); at++) {
      if (at < offset) continue;
      if (left-- === 0) return;
      yield text(cursor, at);
    }
  }
}

function text(cursor: RecordCursor, offset: Offset): string {
  const span = (from: number, to: number) => utf8.decode(cursor.bytes.subarray(from, to));
  return `{"offset":${offset},"timestamp":${cursor.timestamp}` +
    (cursor.hasKey ? `,"key":"${cursor.keyToken()}"` : "") +
    `,"value":${span(cursor.valueFrom, cursor.valueTo)}` +
    (cursor.hasHeaders ? `,"headers":${span(cursor.headersFrom, cursor.headersTo)}` : "") +
    (cursor.base64 ? `,"encoding":"base64"` : "") + "}";
}
