/**
 * The HTTP API: section 6 of the protocol, as a table of routes behind two guards. Every answer that
 * is not a success is a problem with the code that a frame would carry.
 */

import { Hono } from "hono";
import type { Telemetry } from "../host/host.ts";
import { type AdmissionRules, admit } from "./admission.ts";
import { asGatewayError, notHere, problem } from "./problem.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** Answers one request. `params` are the named parts of the path, decoded. */
export type Handler = (
  request: Request,
  params: Readonly<Record<string, string>>,
) => Response | Promise<Response>;

/** Path → method → handler. */
export type Routes = Readonly<Record<string, Readonly<Partial<Record<Method, Handler>>>>>;

export interface AppOptions {
  readonly rules: AdmissionRules;
  readonly routes: Routes;
  readonly telemetry: Telemetry;
}

/** The function that answers every request which is not an upgrade. */
export function createApp(options: AppOptions): (request: Request) => Promise<Response> {
  const { rules, routes, telemetry } = options;
  const app = new Hono();

  app.use(async (context, next) => {
    const { headers } = context.req.raw;
    const origin = admit(
      rules,
      headers.get("host") ?? undefined,
      headers.get("origin") ?? undefined,
    );
    if (origin === undefined) return await next();
    if (context.req.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: preflight(origin) });
    }
    await next();
    for (const [name, value] of Object.entries(cors(origin))) context.res.headers.set(name, value);
    return undefined;
  });

  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(methods)) {
      app.on(method, path, (context) => handler(context.req.raw, context.req.param()));
    }
    const allow = Object.keys(methods).join(", ").replace("GET", "GET, HEAD");
    app.all(
      path,
      ({ req }) =>
        problem(notHere(`${req.method} ${req.path}: the methods are ${allow}`), {
          status: 405,
          headers: { allow },
        }),
    );
  }

  app.notFound(({ req }) => problem(notHere(`path ${req.path}`)));
  app.onError((error) => {
    const answer = asGatewayError(error);
    if (answer.code === "internal") telemetry.report("error", "A request failed", { error });
    return problem(answer);
  });
  return async (request) => {
    telemetry.count("http_requests_total");
    return await app.fetch(request);
  };
}

function cors(origin: string): Record<string, string> {
  return { "access-control-allow-origin": origin, "vary": "origin" };
}

function preflight(origin: string): Record<string, string> {
  return {
    ...cors(origin),
    "access-control-allow-methods": "GET, PUT, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, if-none-match, last-event-id",
    "access-control-max-age": "600",
  };
}
