/**
 * Consumer groups over HTTP: list, describe and delete them, and set their offsets.
 */

import type { Broker } from "../broker.ts";
import { decodeOffsets } from "../protocol/bodies.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn } from "./params.ts";

export function groupRoutes(broker: Broker): Routes {
  return {
    "/v1/groups": {
      async GET(_request, _params, { rights }) {
        rights.require({ verb: "administer" });
        return Response.json({ groups: (await broker.groupNames()).map((group) => ({ group })) });
      },
    },
    "/v1/groups/:group": {
      async GET(_, params, { rights }) {
        rights.require({ verb: "administer" });
        return Response.json(await broker.describeGroup(nameIn(params, "group")));
      },
      async DELETE(_, params, { rights }) {
        rights.require({ verb: "administer" });
        await broker.removeGroup(nameIn(params, "group"));
        return new Response(null, { status: 204 });
      },
    },
    "/v1/groups/:group/offsets": {
      async PUT(request, params, { rights }) {
        rights.require({ verb: "administer" });
        const group = nameIn(params, "group");
        const target = decodeOffsets(await readBody(request));
        return Response.json({ offsets: await broker.resetGroup(group, target) });
      },
    },
  };
}
