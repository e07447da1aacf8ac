/**
 * `GET /v1/topics/{topic}/events`: a topic as server-sent events, for whoever has an `EventSource` and
 * no socket. Resumed by the id of the last event, as browsers do it by themselves.
 */

import type { Broker, ReadingPlace } from "../broker.ts";
import { GatewayError } from "../errors.ts";
import { CREDIT, HTTP, NAMES } from "../limits.ts";
import { isInteger, isWellFormed } from "../protocol/fields.ts";
import type { Topic } from "../types.ts";
import type { Routes } from "./app.ts";
import { EventId, type EventPosition, readEventId } from "./event_position.ts";
import { EventFormat, EventStream, eventText } from "./event_stream.ts";
import { invalid, nameIn } from "./params.ts";

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** `leaving`: fires when the gateway drains. */
export function eventRoutes(broker: Broker, leaving: AbortSignal): Routes {
  return {
    "/v1/topics/:topic/events": {
      async GET(request, params) {
        if (leaving.aborted) throw new GatewayError("unavailable", "The gateway is about to stop");
        const topic = await broker.findTopic(nameIn(params, "topic"));
        const asked = askedOf(request, topic);
        const found = (await broker.placesToRead(topic, asked.frame))();
        const isOther = asked.position && asked.position.incarnation !== topic.id;
        const places = isOther
          ? found.map((place) => ({ ...place, reset: "incarnation" as const }))
          : found;
        if (request.method === "HEAD") return new Response(null, { headers });
        const stream = streamOf(broker, topic, { ...asked, places, leaving });
        return new Response(stream.body, { headers });
      },
    },
  };
}

interface Asked {
  readonly frame: Parameters<Broker["placesToRead"]>[1];
  /** The position that it comes back with. */
  readonly position: EventPosition | undefined;
  readonly keys: readonly string[] | undefined;
}

function streamOf(
  broker: Broker,
  topic: Topic,
  { places, position, keys, leaving }: Asked & {
    readonly places: readonly ReadingPlace[];
    readonly leaving: AbortSignal;
  },
): EventStream {
  const id = new EventId({ incarnation: topic.id, positions: places });
  const events = places.flatMap((place) => resetEvent(topic, place, position, id) ?? []);
  const format = new EventFormat(id);
  const credit = { records: CREDIT.maxRecords };
  return new EventStream({
    opening: `id: ${id}\n\n${events.join("")}`,
    leaving,
    open(sink, ended) {
      // Its room is what holds it back; credit is only what every feed has.
      const granting = {
        get full() {
          return sink.full;
        },
        push(event: string | Uint8Array) {
          sink.push(event);
          feed.grant(CREDIT.maxRecords, 0);
        },
      };
      const feed = broker.follow(0, { credit, ...(keys ? { keys } : {}) }, granting, ended, format);
      for (const { partition, offset } of places) feed.add(topic, partition, offset);
      return feed;
    },
  });
}

/** Why it goes on elsewhere than where it was left. */
function resetEvent(
  { name: topic }: Topic,
  { partition, offset, reset: reason }: ReadingPlace,
  position: EventPosition | undefined,
  id: EventId,
): string | undefined {
  if (reason === undefined) return undefined;
  if (reason !== "trimmed") {
    return eventText("reset", String(id), JSON.stringify({ topic, partition, offset, reason }));
  }
  const from = position?.positions.find((one) => one.partition === partition)?.offset ?? 0;
  const gap = { topic, partition, from, to: offset, reason };
  return eventText("gap", String(id), JSON.stringify(gap));
}

/** What the query and the header ask for. Throws `invalid_frame`. */
function askedOf(request: Request, topic: Topic): Asked {
  const query = new URL(request.url).searchParams;
  const keys = keysIn(query);
  const partitions = partitionsIn(query);
  const last = request.headers.get("last-event-id") ?? "";
  const from = last !== "" ? last : query.get("from") ?? "latest";
  const subscribe = { type: "subscribe", id: 1, topic: topic.name } as const;
  const begins = (from: "latest" | "earliest") => {
    requireFew(partitions, topic);
    return { ...subscribe, from, ...(keys && { keys }), ...(partitions && { partitions }) };
  };
  if (from === "latest" || from === "earliest") {
    return { frame: begins(from), position: undefined, keys };
  }
  const position = readEventId(from);
  if (!position) {
    const what = last === "" ? "from" : "Last-Event-ID";
    throw invalid(`${what} must be "latest", "earliest" or the id of an event`);
  }
  // Of a topic that was made again all is new, whatever its partitions are now.
  if (position.incarnation !== topic.id) return { frame: begins("earliest"), position, keys };
  const { positions, incarnation } = position;
  const resumed = { positions: [...positions], incarnation };
  return { frame: { ...subscribe, from: resumed, ...(keys && { keys }) }, position, keys };
}

function requireFew(partitions: readonly number[] | undefined, { name, partitions: all }: Topic) {
  if (partitions || all <= HTTP.eventPartitions) return;
  throw invalid(
    `partitions must be given: topic ${name} has ${all}, and events follow ` +
      `${HTTP.eventPartitions} at most`,
  );
}

function keysIn(query: URLSearchParams): string[] | undefined {
  const keys = [...new Set(query.getAll("key"))];
  if (keys.length === 0) return undefined;
  if (keys.length > NAMES.keysPerSubscription || !keys.every(isWellFormed)) {
    throw invalid(`key may be given 1 to ${NAMES.keysPerSubscription} times`);
  }
  return keys;
}

function partitionsIn(query: URLSearchParams): number[] | undefined {
  const text = query.get("partitions");
  if (text === null) return undefined;
  const partitions = text.split(",").map((part) => /^\d{1,9}$/.test(part) ? Number(part) : NaN);
  if (partitions.length <= HTTP.eventPartitions) {
    if (partitions.every((one) => isInteger(one, 0, Number.MAX_SAFE_INTEGER))) {
      return [...new Set(partitions)];
    }
  }
  throw invalid(`partitions must be 1 to ${HTTP.eventPartitions} numbers, separated by commas`);
}
