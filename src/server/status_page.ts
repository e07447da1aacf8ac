/** `GET /`: a status page with the server's version, and topics and groups with rates and lag. */

import type { PublicRoutes } from "./app.ts";
import css from "./pages/status.css" with { type: "text" };
import html from "./pages/status.html" with { type: "text" };
import script from "./pages/status.js" with { type: "text" };
import { staticFile } from "./static_file.ts";

const headers = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** `server`: name and version. */
export function statusRoutes(server: string): PublicRoutes {
  const page = html.replace("SERVER", server);
  return {
    "/": { GET: staticFile(page, "text/html; charset=utf-8", headers) },
    "/v1/status.css": { GET: staticFile(css, "text/css; charset=utf-8") },
    "/v1/status.js": { GET: staticFile(script, "text/javascript; charset=utf-8") },
  };
}
