/**
 * Answers over HTTP, held to the page: what is refused is a problem with a code of the table under
 * that code's status, what is granted and says that it is JSON is JSON, and nothing is a failure of
 * the gateway. Only what was no HTTP may be refused without a word.
 */

import { Buffer } from "node:buffer";
import type * as v from "valibot";
import { ERROR_TABLE } from "../support/frames.ts";
import { breach, faultOfCode, PROBLEM } from "./gateway_frames.ts";

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Bytes of it that have come. */
  readonly size: number;
}

/** What came on the connection up to now, or until it closed; undefined if it is no answer yet. */
export function readAnswer(received: Uint8Array): Answer | undefined {
  // One character for each byte, until the body has been cut out.
  const text = Buffer.from(received).toString("latin1").replace(
    /^(HTTP\/1\.1 100 Continue\r\n\r\n)+/,
    "",
  );
  const end = text.indexOf("\r\n\r\n");
  const first = /^HTTP\/1\.[01] (\d{3}) /.exec(text);
  if (end < 0 || !first) return undefined;
  const lines = text.slice(0, end).split("\r\n").slice(1);
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const rest = text.slice(end + 4);
  const own = headers.get("transfer-encoding") === "chunked"
    ? unchunked(rest)
    : rest.slice(0, Number(headers.get("content-length") ?? rest.length));
  const body = Buffer.from(own, "latin1").toString();
  return { status: Number(first[1]), headers, body, size: own.length };
}

/** Whether nothing more needs to come: for a stream of events, its beginning is enough. */
export function isWhole({ headers, body, size }: Answer): boolean {
  if (headers.get("content-type")?.startsWith("text/event-stream")) return body.includes("id:");
  return size >= Number(headers.get("content-length") ?? Infinity);
}

/** What is wrong with an answer. `lies`: to what need not have been HTTP. */
export function faultOfAnswer(
  { status, headers, body }: Answer,
  { method, lies }: { readonly method: string; readonly lies: boolean },
): string | undefined {
  const type = headers.get("content-type") ?? "";
  if (status < 400) {
    if (![101, 200, 201, 204, 304].includes(status)) return `status ${status}`;
    if (type !== "application/json" || method === "HEAD") return undefined;
    return parsed(body) === undefined ? "what is called JSON is none" : undefined;
  }
  if (type === "" && body === "" && lies && [400, 408, 414, 417, 431].includes(status)) {
    return undefined;
  }
  if (type !== "application/problem+json") return `status ${status} is no problem`;
  if (method === "HEAD") return status >= 500 && status !== 503 ? `status ${status}` : undefined;
  return faultOfProblem(status, parsed(body));
}

function faultOfProblem(status: number, given: unknown): string | undefined {
  const fault = breach(PROBLEM, given);
  if (fault !== undefined) return fault;
  const problem = given as v.InferOutput<typeof PROBLEM>;
  const wrongCode = faultOfCode(problem);
  if (wrongCode !== undefined) return wrongCode;
  if (problem.status !== status) return `status ${status} says that it is ${problem.status}`;
  if (status === 405 && problem.code === "unknown_type") return undefined;
  return ERROR_TABLE[problem.code]?.[0] === status ? undefined : `${problem.code} is ${status}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As far as chunks have come. */
function unchunked(text: string): string {
  let whole = "";
  for (let at = 0;;) {
    const line = text.indexOf("\r\n", at);
    const length = line < 0 ? NaN : parseInt(text.slice(at, line), 16);
    if (!(length > 0)) return whole;
    whole += text.slice(line + 2, line + 2 + length);
    at = line + 2 + length + 2;
  }
}
