/**
 * `GET /v1/client.js`: the client as one ES module, for pages without a build step. Built from
 * `src/client/` by `deno task client`, and committed, so that it has the same bytes everywhere and
 * hosts need no compiler. A test rebuilds and compares it.
 */

import type { PublicRoutes } from "./app.ts";
import { staticFile } from "./static_file.ts";
import clientModule from "./pages/client.js" with { type: "text" };

/** It is public, and pages of other admitted origins load it. */
const headers = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};

export const clientRoutes: PublicRoutes = {
  "/v1/client.js": { GET: staticFile(clientModule, "text/javascript; charset=utf-8", headers) },
};
