/**
 * `GET /v1/client.js`: the client as one ES module, for pages without a build step. It is made from
 * `src/client/` by `deno task client` and committed, so that it has the same bytes everywhere, and no
 * compiler runs where none can. A test makes it again and compares.
 */

import type { PublicRoutes } from "./app.ts";
import { staticFile } from "./static_file.ts";
import clientModule from "./pages/client.js" with { type: "text" };

/** It is the same for everyone, and pages of other origins that are let in load it. */
const headers = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
};

export const clientRoutes: PublicRoutes = {
  "/v1/client.js": { GET: staticFile(clientModule, "text/javascript; charset=utf-8", headers) },
};
