/**
 * When a reader of an event stream is to come back. An `EventSource` does so by itself after a
 * stream that ends, and takes any answer but 200 for the end of all: so whoever may not begin for
 * now is told when he may by a stream that ends at once.
 */

import type { GatewayError } from "../errors.ts";
import { HTTP } from "../limits.ts";
import { problem } from "./problem.ts";

export const EVENT_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** A line that says when: not at once, and not all of them at the same time. */
export function retryLine(atLeastMs = 0): string {
  const ms = Math.max(atLeastMs, HTTP.eventRetryMs) + Math.random() * HTTP.eventRetrySpreadMs;
  return `retry: ${Math.floor(ms)}\n`;
}

/** The response for an error, to whoever has asked for this. */
export function refusal(request: Request, error: GatewayError): Response {
  const isForLater = error.retry === "same" || error.retry === "reconnect";
  if (!isForLater || !isEventSource(request)) return problem(error);
  return new Response(`${retryLine(error.detail.retryAfterMs)}\n`, { headers: EVENT_HEADERS });
}

/** Whether it asks for events as an `EventSource` does. */
function isEventSource(request: Request): boolean {
  return isEventStream(request) &&
    (request.headers.get("accept") ?? "").toLowerCase().includes("text/event-stream");
}

/** Whether it asks for an event stream. */
export function isEventStream({ method, url }: Request): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && /^\/v1\/topics\/[^/]+\/events$/.test(new URL(url).pathname);
}
