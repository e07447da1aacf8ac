/**
 * Topics over HTTP: made, described, listed, deleted.
 */

import type { Log } from "../log/log.ts";
import { unknownTopic } from "../log/topics.ts";
import { decodeTopic } from "../protocol/bodies.ts";
import type { Topic } from "../types.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn } from "./params.ts";

export function topicRoutes(log: Log): Routes {
  const { topics } = log;

  async function find(name: string): Promise<Topic> {
    const topic = await topics.find(name);
    if (!topic) throw unknownTopic(name);
    return topic;
  }

  return {
    "/v1/topics": {
      async GET() {
        return Response.json({ topics: (await topics.list()).map(summary) });
      },
    },
    "/v1/topics/:topic": {
      async GET(_, params) {
        return Response.json(await description(log, await find(nameIn(params, "topic"))));
      },
      async PUT(request, params) {
        const name = nameIn(params, "topic");
        const { topic, made } = await topics.create(name, decodeTopic(await readBody(request)));
        return Response.json(await description(log, topic), { status: made ? 201 : 200 });
      },
      async DELETE(_, params) {
        const name = nameIn(params, "topic");
        if (!await topics.remove(name)) throw unknownTopic(name);
        return new Response(null, { status: 204 });
      },
    },
  };
}

/** What needs no look at the topic's log. */
function summary({ name, id, retentionMs, retentionBytes }: Topic): Record<string, unknown> {
  return { topic: name, incarnation: id, retentionMs, retentionBytes };
}

async function description(log: Log, topic: Topic): Promise<Record<string, unknown>> {
  const { partitions } = topic;
  const bounds = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => log.bounds(topic, partition)),
  );
  return {
    ...summary(topic),
    partitions: bounds.map(({ start, next, bytes }, partition) => ({
      partition,
      start,
      next,
      bytes,
    })),
  };
}
