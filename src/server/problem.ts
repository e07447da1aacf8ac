/**
 * Errors over HTTP: `application/problem+json` (RFC 9457) with the same members as in an error
 * frame. As a `Response`, or as raw bytes for a refused upgrade, which has only a socket.
 */

import { type ErrorCode, GatewayError } from "../errors.ts";

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  416: "Range Not Satisfiable",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The response for an error, with the status of its code unless another one is given. */
export function problem(
  error: GatewayError,
  more: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  const status = more.status ?? error.status;
  return new Response(body(error, status), { status, headers: headers(error, more.headers) });
}

/** The same as the text of a whole response, after which the connection is closed. */
export function rawProblem(
  error: GatewayError,
  more: Readonly<Record<string, string>> = {},
): string {
  const text = body(error, error.status);
  const lines = Object.entries({
    ...headers(error, more),
    "connection": "close",
    "content-length": String(new TextEncoder().encode(text).length),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${error.status} ${title(error.status)}\r\n${lines.join("")}\r\n${text}`;
}

/** The error for the client: one that is no `GatewayError` is `internal`, without any details. */
export function asGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError("internal", "The gateway failed; it is logged there");
}

/** `unknown_type` for a path or method that does not exist. */
export function notHere(what: string): GatewayError {
  return new GatewayError("unknown_type" satisfies ErrorCode, `There is no ${what}`);
}

function title(status: number): string {
  return reasons[status] ?? "Error";
}

function body(error: GatewayError, status: number): string {
  return JSON.stringify({ title: title(status), status, ...error.fields() });
}

function headers(
  error: GatewayError,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { retryAfterMs } = error.detail;
  return {
    "content-type": "application/problem+json",
    ...(error.code === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    ...(retryAfterMs === undefined
      ? {}
      : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) }),
    ...more,
  };
}
