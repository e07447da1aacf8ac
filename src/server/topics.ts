/**
 * Topics over HTTP: list, describe, create and delete them.
 */

import type { Broker } from "../broker.ts";
import { decodeTopic } from "../protocol/bodies.ts";
import type { Topic } from "../types.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn } from "./params.ts";

export function topicRoutes(broker: Broker): Routes {
  return {
    "/v1/topics": {
      async GET(_request, _params, { rights }) {
        rights.require({ verb: "administer" });
        return Response.json({ topics: (await broker.listTopics()).map(summary) });
      },
    },
    "/v1/topics/:topic": {
      async GET(_, params, { rights }) {
        const name = nameIn(params, "topic");
        rights.require({ verb: "describe", topic: name });
        const topic = await broker.requireTopic(name);
        const described = await description(broker, topic);
        if (rights.allows({ verb: "measure", topic: name })) return Response.json(described);
        const partitions = described.partitions.map(({ bytes: _, ...bounds }) => bounds);
        return Response.json({ ...described, partitions });
      },
      async PUT(request, params, { rights }) {
        rights.require({ verb: "administer" });
        const name = nameIn(params, "topic");
        const { topic, made } = await broker.createTopic(
          name,
          decodeTopic(await readBody(request)),
        );
        return Response.json(await description(broker, topic), { status: made ? 201 : 200 });
      },
      async DELETE(_, params, { rights }) {
        rights.require({ verb: "administer" });
        await broker.removeTopic(nameIn(params, "topic"));
        return new Response(null, { status: 204 });
      },
    },
  };
}

/** What is known without reading the topic's log. */
function summary({ name, id, retentionMs, retentionBytes }: Topic) {
  return { topic: name, incarnation: id, retentionMs, retentionBytes };
}

async function description(broker: Broker, topic: Topic) {
  const { partitions } = topic;
  const bounds = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => broker.bounds(topic, partition)),
  );
  return {
    ...summary(topic),
    partitions: bounds.map((bounds, partition) => ({ partition, ...bounds })),
  };
}
