/**
 * When a reader of an event stream should reconnect. An `EventSource` reconnects by itself after a
 * stream ends, but gives up on any status other than 200: so one that is refused temporarily gets a
 * stream that ends at once, and says when to retry.
 */

import type { GatewayError } from "../errors.ts";
import { HTTP } from "../limits.ts";
import { problem } from "./problem.ts";

export const EVENT_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** A `retry` line with jitter, so that not all readers reconnect at the same time. */
export function retryLine(atLeastMs = 0): string {
  const ms = Math.max(atLeastMs, HTTP.eventRetryMs) + Math.random() * HTTP.eventRetrySpreadMs;
  return `retry: ${Math.floor(ms)}\n`;
}

/** The response to a request that failed with an error. */
export function refusal(request: Request, error: GatewayError): Response {
  const isForLater = error.retry === "same" || error.retry === "reconnect";
  if (!isForLater || !isEventSource(request)) return problem(error);
  return new Response(`${retryLine(error.detail.retryAfterMs)}\n`, { headers: EVENT_HEADERS });
}

/** Whether an `EventSource` has sent the request. */
function isEventSource(request: Request): boolean {
  return isEventStream(request) &&
    (request.headers.get("accept") ?? "").toLowerCase().includes("text/event-stream");
}

/** Whether the request is for an event stream. */
export function isEventStream({ method, url }: Request): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && /^\/v1\/topics\/[^/]+\/events$/.test(new URL(url).pathname);
}
