/**
 * The HTTP API (section 6 of the protocol): a table of routes behind two guards, admission and
 * authentication. Every error response is a problem document with the code that a frame would have.
 */

import { Hono } from "hono";
import type { Telemetry } from "../host/host.ts";
import { anyone, type Authenticate, type Identity } from "../identity/identity.ts";
import { type AdmissionRules, admit } from "./admission.ts";
import { forBrowsers } from "./browser_headers.ts";
import { isEventStream, refusal } from "./event_retry.ts";
import type { Params } from "./params.ts";
import { asGatewayError, notHere, problem } from "./problem.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** Who sends a request, and from which address. */
export interface Caller extends Identity {
  readonly address: string;
}

/** Answers a request of `who`. */
export type Handler = (
  request: Request,
  params: Params,
  who: Caller,
) => Response | Promise<Response>;

/** Answers a request that needs no token. */
export type PublicHandler = (
  request: Request,
  params: Params,
) => Response | Promise<Response>;

/** Answers a request, authenticated or not, from an address. */
type AddressedHandler = (
  request: Request,
  params: Params,
  address: string,
) => Response | Promise<Response>;

/** Path → method → handler. */
export type Routes<H = Handler> = Readonly<Record<string, Readonly<Partial<Record<Method, H>>>>>;
export type PublicRoutes = Routes<PublicHandler>;

export interface AppOptions {
  readonly rules: AdmissionRules;
  /** Routes that need a token, if tokens are required. */
  readonly routes: Routes;
  /** Routes that need no token. */
  readonly publicRoutes?: PublicRoutes;
  /** Verifies tokens; absent: they are ignored, and everything is allowed. */
  readonly authenticate?: Authenticate;
  readonly telemetry: Telemetry;
}

/** Returns the function that answers all requests except upgrades. */
export function createApp(
  options: AppOptions,
): (request: Request, address?: string) => Promise<Response> {
  const { rules, routes, publicRoutes = {}, authenticate = anyone, telemetry } = options;
  const app = new Hono<{ Bindings: { readonly address: string } }>();

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
    if (context.res.headers.has("access-control-allow-origin")) return undefined;
    for (const [name, value] of Object.entries(cors(origin))) context.res.headers.set(name, value);
    return undefined;
  });

  const answered: Routes<AddressedHandler> = { ...publicRoutes, ...guarded(routes, authenticate) };
  for (const [path, methods] of Object.entries(answered)) {
    for (const [method, handler] of Object.entries(methods)) {
      app.on(method, path, ({ req, env }) => handler(req.raw, req.param(), env.address));
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
  app.onError((error, { req }) => {
    const answer = asGatewayError(error);
    if (answer.code === "internal") telemetry.report("error", "A request failed", { error });
    return refusal(req.raw, answer);
  });
  return async (request, address = "") => {
    telemetry.count("http_requests_total");
    return forBrowsers(await app.fetch(request, { address }));
  };
}

/** The same routes, behind authentication. */
function guarded(routes: Routes, authenticate: Authenticate): Routes<AddressedHandler> {
  const guard = (handler: Handler): AddressedHandler => async (request, params, address) =>
    await handler(request, params, { ...await authenticate(tokenOf(request)), address });
  return mapped(routes, guard);
}

/** The same paths and methods with other handlers. */
export function mapped<H, J>(
  routes: Routes<H>,
  change: (handler: H, path: string, method: Method) => J,
): Routes<J> {
  return Object.fromEntries(
    Object.entries(routes).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, one]) => [
          method,
          change(one, path, method as Method),
        ]),
      ),
    ]),
  );
}

/**
 * The request's token; for event streams also from the query, as `EventSource` sends no headers.
 */
function tokenOf(request: Request): string | undefined {
  const bearer = /^bearer +([^ ]+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined || !isEventStream(request)) return bearer;
  return new URL(request.url).searchParams.get("access_token") ?? undefined;
}

function cors(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "retry-after",
    "vary": "origin",
  };
}

function preflight(origin: string): Record<string, string> {
  return {
    ...cors(origin),
    "access-control-allow-methods": "GET, PUT, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, if-none-match, last-event-id",
    "access-control-max-age": "600",
  };
}
