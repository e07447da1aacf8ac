/** Calls of the HTTP API for tests, and fresh topics for them. */

import { assertEquals } from "@std/assert";
import type { Gateway } from "./gateway.ts";

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
}

/** Makes one call and reads the whole response. A body that is not a string is sent as JSON. */
export async function call(
  gateway: Gateway,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(gateway.origin + path, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    headers: response.headers,
    text: await response.text(),
  };
}

/** The JSON response to a call that must succeed with `status`. */
export async function json<T>(
  gateway: Gateway,
  method: string,
  path: string,
  body?: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Promise<T> {
  const answer = await call(gateway, method, path, body, headers);
  assertEquals(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as T;
}

export interface TopicAnswer {
  readonly topic: string;
  readonly incarnation: string;
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly start: number;
    readonly next: number;
    readonly bytes: number;
  }[];
}

export interface GroupAnswer {
  readonly group: string;
  readonly epoch: number;
  readonly members: readonly {
    readonly member: string;
    readonly instance?: string;
    readonly topics: readonly string[];
    readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  }[];
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly metadata?: string;
    readonly end: number;
    readonly lag: number;
  }[];
}

let made = 0;

/** A name that no other test uses. */
export function fresh(kind: string): string {
  made += 1;
  return `${kind}-${made}`;
}

/** Creates a topic that no other test uses and returns its name. */
export async function makeTopic(
  gateway: Gateway,
  partitions: number,
  retention: { retentionMs?: number; retentionBytes?: number } = {},
): Promise<string> {
  const topic = fresh("topic");
  await json(gateway, "PUT", `/v1/topics/${topic}`, { partitions, ...retention }, 201);
  return topic;
}

export async function deleteTopic(gateway: Gateway, topic: string): Promise<void> {
  const answer = await call(gateway, "DELETE", `/v1/topics/${topic}`);
  assertEquals(answer.status, 204, answer.text);
}

export async function describeTopic(gateway: Gateway, topic: string): Promise<TopicAnswer> {
  return await json<TopicAnswer>(gateway, "GET", `/v1/topics/${topic}`);
}

export async function describeGroup(gateway: Gateway, group: string): Promise<GroupAnswer> {
  return await json<GroupAnswer>(gateway, "GET", `/v1/groups/${group}`);
}
