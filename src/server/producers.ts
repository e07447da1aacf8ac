/**
 * Producers over HTTP: issues producer ids and epochs, for publishes over HTTP or over a socket.
 */

import type { Broker } from "../broker.ts";
import type { Subjects } from "../identity/subjects.ts";
import { PRODUCER } from "../limits.ts";
import { decodeProducer } from "../protocol/bodies.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";

export function producerRoutes(broker: Broker, subjects: Subjects): Routes {
  return {
    "/v1/producers": {
      async POST(request, _, who) {
        who.rights.require({ verb: "init producer" });
        const { name } = decodeProducer(await readBody(request));
        if (name !== undefined) subjects.nameProducer(who);
        return Response.json({
          producer: await broker.initProducer(who.subject, name),
          keptMs: PRODUCER.keptMs,
        });
      },
    },
  };
}
