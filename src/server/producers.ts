/**
 * Producers over HTTP: given out, for records that are published over HTTP or over a socket.
 */

import { PRODUCER } from "../limits.ts";
import type { Producers } from "../producers.ts";
import { decodeProducer } from "../protocol/bodies.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";

export function producerRoutes(producers: Producers): Routes {
  return {
    "/v1/producers": {
      async POST(request) {
        const { name } = decodeProducer(await readBody(request));
        return Response.json({ producer: await producers.init(name), keptMs: PRODUCER.keptMs });
      },
    },
  };
}
