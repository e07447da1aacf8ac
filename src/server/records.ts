/**
 * Records over HTTP: publishes to a topic, and reads of one partition. A read returns slices of the
 * JSON that is encoded for pushes.
 */

import type { Broker } from "../broker.ts";
import { GatewayError } from "../errors.ts";
import { encodedOf } from "../fanout/encoded_cache.ts";
import type { Subjects } from "../identity/subjects.ts";
import type { AppendPart, AppendResult } from "../log/append.ts";
import { Lane } from "../log/lane.ts";
import type { Section, Slice } from "../log/section.ts";
import { requirePartition } from "../log/topics.ts";
import { decodeRecords, type RecordsBody } from "../protocol/bodies.ts";
import type { Offset, Topic } from "../types.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn, numberIn, partitionIn } from "./params.ts";

const DEFAULT_LIMIT = 100;
const utf8 = new TextDecoder();

export function recordRoutes(broker: Broker, subjects: Subjects): Routes {
  return {
    "/v1/topics/:topic/records": {
      async POST(request, params, who) {
        const name = nameIn(params, "topic");
        const body = decodeRecords(await readBody(request));
        who.rights.require({ verb: "publish", topic: name, records: body.records });
        subjects.publish(who, body.records);
        const part = partOf(await broker.ensureTopic(name), body);
        const result = await new Promise<AppendResult>((done) =>
          broker.append({ parts: [part], done })
        );
        if (!result.ok) throw result.error;
        const [offsets] = result.offsets;
        return Response.json({ offsets, ...(result.duplicate ? { duplicate: true } : {}) });
      },
    },
    "/v1/topics/:topic/partitions/:partition/records": {
      async GET(request, params, { rights }) {
        const name = nameIn(params, "topic");
        rights.require({ verb: "read", topic: name });
        const partition = partitionIn(params);
        const query = new URL(request.url).searchParams;
        const offset = numberIn(query, "offset", 0);
        const limit = numberIn(query, "limit", 1) ?? DEFAULT_LIMIT;
        const topic = await broker.requireTopic(name);
        requirePartition(topic, partition);
        const slice = await broker.read(topic, partition, offset ?? 0);
        const from = offset ?? slice.bounds.start;
        if (from < slice.bounds.start) throw trimmed(from, `${name}/${partition}`, slice);
        const { text, count } = recordsFrom(slice.sections, from, limit);
        return new Response(`{"records":[${text}],"next":${from + count}}`, {
          headers: { "content-type": "application/json" },
        });
      },
    },
  };
}

/** Each request is a session of its own, so its producer may begin with any sequence. */
function partOf(topic: Topic, { records, producer }: RecordsBody): AppendPart {
  if (!producer) return { topic, records };
  return { topic, records, producer, admission: new Lane().admit(producer.sequence) };
}

/** The JSON of at most `limit` records from `from` on, separated by commas, and their number. */
function recordsFrom(
  sections: readonly Section[],
  from: Offset,
  limit: number,
): { text: string; count: number } {
  const texts: string[] = [];
  let count = 0;
  for (const section of sections) {
    const { text, ends } = encodedOf(section);
    const first = Math.max(0, from - section.base);
    const end = Math.min(ends.length, first + limit - count);
    if (first >= end) continue;
    const begins = first === 0 ? 0 : ends[first - 1]! + 1;
    texts.push(utf8.decode(text.subarray(begins, ends[end - 1]!)));
    count += end - first;
  }
  return { text: texts.join(","), count };
}

function trimmed(offset: Offset, place: string, { bounds: { start, next } }: Slice): GatewayError {
  const message = `Cannot read offset ${offset} of ${place}: the log begins at ${start}`;
  return new GatewayError("offset_out_of_range", message, { start, next });
}
