/**
 * Consumer groups over HTTP: described, listed, deleted, and their offsets set anew.
 */

import type { Groups } from "../group/groups.ts";
import { decodeOffsets } from "../protocol/bodies.ts";
import type { Routes } from "./app.ts";
import { readBody } from "./body.ts";
import { nameIn } from "./params.ts";

export function groupRoutes(groups: Groups): Routes {
  return {
    "/v1/groups": {
      async GET() {
        return Response.json({ groups: (await groups.names()).map((group) => ({ group })) });
      },
    },
    "/v1/groups/:group": {
      async GET(_, params) {
        return Response.json(await groups.describe(nameIn(params, "group")));
      },
      async DELETE(_, params) {
        await groups.remove(nameIn(params, "group"));
        return new Response(null, { status: 204 });
      },
    },
    "/v1/groups/:group/offsets": {
      async PUT(request, params) {
        const group = nameIn(params, "group");
        const target = decodeOffsets(await readBody(request));
        return Response.json({ offsets: await groups.reset(group, target) });
      },
    },
  };
}
