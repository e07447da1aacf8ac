/**
 * `GET /v1/topics/{topic}/events`: a topic as server-sent events, for clients that have an
 * `EventSource` but no socket. Browsers reconnect by themselves, and resume after the last event
 * id.
 */

import type { Broker, ReadingPlace, ReadingRequest } from "../broker.ts";
import { drainingError, GatewayError } from "../errors.ts";
import { isOver } from "../identity/identity.ts";
import type { Subjects } from "../identity/subjects.ts";
import { CREDIT, HTTP, NAMES } from "../limits.ts";
import { invalid, isInteger, isWellFormed } from "../protocol/fields.ts";
import type { Topic } from "../types.ts";
import type { Caller, Routes } from "./app.ts";
import type { Crowd } from "./crowd.ts";
import { EventId, type EventPosition, readEventId } from "./event_position.ts";
import { EVENT_HEADERS } from "./event_retry.ts";
import { EventFormat, EventStream, type EventStreamOptions, eventText } from "./event_stream.ts";
import { nameIn } from "./params.ts";

export interface EventOptions {
  readonly broker: Broker;
  /** Fires when the gateway drains. */
  readonly leaving: AbortSignal;
  /** Counts event streams as sockets. */
  readonly crowd: Crowd;
  readonly subjects: Subjects;
}

export function eventRoutes({ broker, leaving, crowd, subjects }: EventOptions): Routes {
  /** Counts an event stream. Returns what to call when it ends. */
  const enter = (who: Caller) => {
    const leave = crowd.enter(who.address);
    try {
      subjects.enter(who);
    } catch (error) {
      leave();
      throw error;
    }
    return () => {
      leave();
      subjects.leave(who);
    };
  };
  return {
    "/v1/topics/:topic/events": {
      async GET(request, params, who) {
        const { rights, expiresAt } = who;
        if (leaving.aborted) throw drainingError();
        // Verification tolerates more clock skew than the grace period in which streams end.
        if (isOver(who, Date.now())) {
          throw new GatewayError("unauthenticated", "The token has expired");
        }
        const name = nameIn(params, "topic");
        const query = new URL(request.url).searchParams;
        const keys = keysIn(query);
        rights.require({ verb: "read", topic: name, keys });
        const topic = await broker.requireTopic(name);
        const asked = askedOf(query, request.headers.get("last-event-id") ?? "", topic, keys);
        const found = (await broker.placesToRead(topic, asked.reading))();
        if (found.length === 0) throw invalid("none of the keys is in any of the partitions");
        const isOther = asked.position && asked.position.incarnation !== topic.id;
        const places = isOther
          ? found.map((place) => ({ ...place, reset: "incarnation" as const }))
          : found;
        if (request.method === "HEAD") return new Response(null, { headers: EVENT_HEADERS });
        const ended = enter(who);
        const stream = streamOf(broker, topic, { ...asked, places, leaving, expiresAt, ended });
        return new Response(stream.body, { headers: EVENT_HEADERS });
      },
    },
  };
}

interface Asked {
  readonly reading: ReadingRequest;
  /** The position that it resumes from. */
  readonly position: EventPosition | undefined;
  readonly keys: readonly string[] | undefined;
}

function streamOf(
  broker: Broker,
  topic: Topic,
  { places, position, keys, leaving, expiresAt, ended }:
    & Asked
    & Pick<EventStreamOptions, "leaving" | "expiresAt" | "ended">
    & { readonly places: readonly ReadingPlace[] },
): EventStream {
  const begun = { incarnation: topic.id, positions: places };
  const format = new EventFormat(new EventId(begun));
  const credit = { records: CREDIT.maxRecords };
  return new EventStream({
    opening: openingOf(topic, places, position ?? begun),
    leaving,
    expiresAt,
    ended,
    open(sink, topicDeleted) {
      // The sink's buffer limits the feed; credit, which every feed needs, is returned at once.
      const granting = {
        get full() {
          return sink.full;
        },
        push(event: string | Uint8Array) {
          sink.push(event);
          feed.grant(CREDIT.maxRecords, 0);
        },
      };
      const feed = broker.follow({
        subscription: 0,
        credit,
        ...(keys ? { keys } : {}),
        topic,
        ended: topicDeleted,
        format,
      }, granting);
      for (const { partition, offset } of places) feed.add(topic, partition, offset);
      return feed;
    },
  });
}

/**
 * The first events: the id that the reader had, then its resets and gaps. Each of them moves the id
 * only past what it reports, so that a reader that loses the stream here gets the rest again.
 */
function openingOf(
  topic: Topic,
  places: readonly ReadingPlace[],
  position: EventPosition,
): string {
  const id = new EventId(position);
  const told = places.filter(({ reset }) => reset !== undefined);
  const anew = new EventId({ incarnation: topic.id, positions: places });
  let opening = `id: ${id}\n\n`;
  for (const [i, place] of told.entries()) {
    const { partition, offset, reset } = place;
    if (reset !== "incarnation") id.move(partition, offset);
    const isLast = i === told.length - 1;
    const after = reset === "incarnation" && isLast ? anew : id;
    opening += resetEvent(topic, place, position, after) ?? "";
  }
  return opening;
}

/** The event that tells why a partition continues elsewhere than at the reader's position. */
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

/** Reads the request's query and `Last-Event-ID`. Throws `invalid_frame`. */
function askedOf(
  query: URLSearchParams,
  last: string,
  topic: Topic,
  keys: string[] | undefined,
): Asked {
  const partitions = partitionsIn(query);
  const from = last !== "" ? last : query.get("from") ?? "latest";
  const begins = (from: "latest" | "earliest") => {
    requireFew(partitions, topic);
    return { from, ...(keys && { keys }), ...(partitions && { partitions }) };
  };
  if (from === "latest" || from === "earliest") {
    return { reading: begins(from), position: undefined, keys };
  }
  const position = readEventId(from);
  if (!position) {
    const what = last === "" ? "from" : "Last-Event-ID";
    throw invalid(`${what} must be "latest", "earliest" or the id of an event`);
  }
  // A topic that was created again is read from its start, whatever its partitions are now.
  if (position.incarnation !== topic.id) return { reading: begins("earliest"), position, keys };
  const { incarnation } = position;
  const wanted = partitions && new Set(partitions);
  const positions = position.positions.filter(({ partition }) => wanted?.has(partition) ?? true);
  if (positions.length === 0) throw invalid("partitions names none of those that the id is of");
  if (positions.length > HTTP.eventPartitions) {
    throw invalid(`events follow ${HTTP.eventPartitions} partitions at most`);
  }
  const resumed = { positions, incarnation };
  return { reading: { from: resumed, ...(keys && { keys }) }, position: resumed, keys };
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
