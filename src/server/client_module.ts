/**
 * `GET /v1/client.js`: the client as one ES module, for pages without a build step. It is made from
 * `src/client/` by `deno task client` and committed, so that it has the same bytes everywhere, and no
 * compiler runs where none can. A test makes it again and compares.
 */

import type { Routes } from "./app.ts";
import { staticFile } from "./static_file.ts";
import clientModule from "./pages/client.js" with { type: "text" };

export const clientRoutes: Routes = {
  "/v1/client.js": { GET: staticFile(clientModule, "text/javascript; charset=utf-8") },
};
