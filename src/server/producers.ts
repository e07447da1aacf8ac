/**
 * Producers over HTTP: given out, for records that are published over HTTP or over a socket.
 */

import type { Broker } from "../broker.ts";
import { PRODUCER } from "../limits.ts";
import { decodeProducer } from "../protocol/bodies.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";

export function producerRoutes(broker: Broker): Routes {
  return {
    "/v1/producers": {
      async POST(request, _, { subject, rights }) {
        rights.require({ verb: "init producer" });
        const { name } = decodeProducer(await readBody(request));
        return Response.json({
          producer: await broker.initProducer(subject, name),
          keptMs: PRODUCER.keptMs,
        });
      },
    },
  };
}
