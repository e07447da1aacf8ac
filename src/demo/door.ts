/** The demo's own HTTP server: its page, and the requests of the page. Only for this machine. */

import { GatewayError } from "../errors.ts";
import { systemHost } from "../host/system.ts";
import { createApp, type Handler, type Routes } from "../server/app.ts";
import { readBody } from "../server/body.ts";
import { staticFile } from "../server/static_file.ts";
import css from "./page/demo.css" with { type: "text" };
import html from "./page/demo.html" with { type: "text" };
import demo from "./page/demo.js" with { type: "text" };
import groups from "./page/groups.js" with { type: "text" };
import map from "./page/map.js" with { type: "text" };
import notifications from "./page/notifications.js" with { type: "text" };
import queue from "./page/queue.js" with { type: "text" };
import tracking from "./page/tracking.js" with { type: "text" };
import type { Stage } from "./stage.ts";
import type { Action, Wish } from "./use.ts";

const scripts = { demo, groups, map, notifications, queue, tracking };

export interface Door {
  readonly origin: string;
  close(): Promise<void>;
}

/** Opens it on a port of this machine; 0: any free one. */
export function openDoor(port: number): Door & { show(stage: Stage): void } {
  let answer = (_: Request): Response | Promise<Response> =>
    new Response("The demo is about to begin: try again in a moment\n", { status: 503 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {} },
    (request) => answer(request),
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    close: () => server.shutdown(),
    show(stage) {
      const { telemetry } = systemHost();
      const rules = { open: false, origins: [] };
      answer = createApp({ rules, telemetry, routes: routesOf(stage) });
    },
  };
}

function routesOf(stage: Stage): Routes {
  const assets = Object.entries(scripts).map(([name, text]) =>
    [
      `/demo/assets/${name}.js`,
      { GET: staticFile(text, "text/javascript; charset=utf-8") },
    ] as const
  );
  const actions = Object.entries(stage.actions).map(([name, action]) =>
    [`/demo/${name}`, { POST: performing(action) }] as const
  );
  const page = staticFile(html, "text/html; charset=utf-8", policy(stage.gateway));
  return {
    "/": { GET: () => new Response(null, { status: 302, headers: { location: "/demo" } }) },
    "/demo": { GET: page },
    "/demo/assets/demo.css": { GET: staticFile(css, "text/css; charset=utf-8") },
    ...Object.fromEntries(assets),
    "/demo/about": { GET: () => Response.json(stage.about()) },
    "/demo/state": {
      GET: () => Response.json(stage.state(), { headers: { "cache-control": "no-store" } }),
    },
    ...Object.fromEntries(actions),
  };
}

/** Lets the page connect only to the demo and its gateway. */
function policy(gateway: string): Readonly<Record<string, string>> {
  const { origin } = new URL(gateway);
  const sources = `'self' ${origin}`;
  return {
    "content-security-policy": `default-src 'none'; script-src ${sources}; style-src 'self'; ` +
      `connect-src ${sources} ${origin.replace(/^http/, "ws")}; img-src data:; ` +
      "base-uri 'none'; frame-ancestors 'none'",
  };
}

function performing(action: Action): Handler {
  return async (request) => {
    await action(wishOf(new TextDecoder().decode(await readBody(request))));
    return new Response(null, { status: 204 });
  };
}

function wishOf(body: string): Wish {
  if (body === "") return {};
  try {
    const wish = JSON.parse(body);
    if (typeof wish === "object" && wish !== null && !Array.isArray(wish)) return wish;
  } catch {
    // Answered below.
  }
  throw new GatewayError("invalid_frame", "The body must be a JSON object");
}
