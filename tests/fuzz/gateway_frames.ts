/**
 * What the gateway may send, as tables: a schema for the `ok` of each request and for each push, and
 * the rules of an error. Written down from the protocol's page and not imported from the gateway. A
 * member that the page does not name is a finding too, so that whoever adds one adds it there.
 *
 * These are rules of single frames. What must hold between them is in `support/session_rules.ts`.
 */

import * as v from "valibot";
import { ERROR_TABLE, type Frame } from "../support/frames.ts";

const whole = v.custom<number>(
  (given) => Number.isSafeInteger(given) && (given as number) >= 0 && !Object.is(given, -0),
  "must be an integer from 0 to 2^53-1",
);
const id = v.pipe(whole, v.minValue(1), v.maxValue(2 ** 31 - 1));
const text = v.pipe(v.string(), v.nonEmpty());
const ulid = v.pipe(v.string(), v.regex(/^[0-9A-HJKMNP-TV-Z]{26}$/));
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9.-][A-Za-z0-9._-]{0,199}$/));
const optional = v.exactOptional;

const topicPartition = { topic: name, partition: whole };
const position = { ...topicPartition, offset: whole };
const places = v.array(v.strictTuple([whole, whole]));
const duplicate = optional(v.literal(true));

const record = v.strictObject({
  offset: whole,
  timestamp: whole,
  key: optional(v.string()),
  value: v.unknown(),
  headers: optional(v.record(v.string(), v.string())),
  encoding: optional(v.literal("base64")),
});

function ok<const E extends v.ObjectEntries>(entries: E) {
  return v.strictObject({ type: v.literal("ok"), id, ...entries });
}

function push<const T extends string, const E extends v.ObjectEntries>(type: T, entries: E) {
  return v.strictObject({ type: v.literal(type), ...entries });
}

const nothing = ok({});
const limits = [
  "messageBytes",
  "recordBytes",
  "publishRecords",
  "publishBytes",
  "publishPartitions",
  "commitOffsets",
  "inFlight",
  "subscriptions",
];

/** Type of the request → what its `ok` looks like. */
export const OK: Readonly<Record<string, v.GenericSchema>> = {
  hello: ok({
    session: ulid,
    server: text,
    heartbeatMs: whole,
    sessionTimeoutMs: whole,
    limits: v.strictObject(Object.fromEntries(limits.map((limit) => [limit, whole]))),
    expiresAt: optional(whole),
  }),
  auth: ok({ expiresAt: optional(whole) }),
  heartbeat: nothing,
  initProducer: ok({ producer: v.strictObject({ id: text, epoch: whole }), keptMs: whole }),
  publish: ok({ offsets: places, duplicate }),
  transact: ok({ offsets: v.array(places), duplicate }),
  subscribe: ok({
    subscription: whole,
    positions: v.array(v.strictObject({
      ...position,
      reset: optional(v.picklist(["trimmed", "incarnation", "beyond_end"])),
    })),
    incarnation: text,
    recovered: v.boolean(),
  }),
  unsubscribe: nothing,
  seek: nothing,
  credit: nothing,
  join: ok({ subscription: whole, member: ulid, epoch: whole }),
  commit: ok({ offsets: v.array(v.strictObject({ ...position, metadata: optional(v.string()) })) }),
  leave: nothing,
  release: nothing,
};

/** Type → what a push of it looks like. */
const PUSHES: Readonly<Record<string, v.GenericSchema>> = {
  records: push("records", {
    subscription: whole,
    ...topicPartition,
    records: v.pipe(v.array(record), v.nonEmpty()),
    next: whole,
    bytes: whole,
    kept: optional(v.literal(true)),
  }),
  gap: push("gap", {
    subscription: whole,
    ...topicPartition,
    from: whole,
    to: whole,
    reason: v.picklist(["trimmed", "slow"]),
  }),
  assign: push("assign", {
    subscription: whole,
    epoch: whole,
    partitions: v.array(v.strictObject({ ...position, end: whole, incarnation: text })),
  }),
  revoke: push("revoke", {
    subscription: whole,
    epoch: whole,
    partitions: v.array(v.strictObject(topicPartition)),
    deadlineMs: optional(whole),
    lost: optional(v.literal(true)),
  }),
  end: push("end", { subscription: whole, code: text, message: text, retry: text }),
  heartbeat: push("heartbeat", {
    heads: v.record(
      v.pipe(v.string(), v.digits()),
      v.array(v.strictObject({ ...topicPartition, next: whole, end: whole })),
    ),
  }),
  drain: push("drain", { reconnectAfterMs: whole }),
  ping: push("ping", {}),
};

/** The members of every error, over a socket and over HTTP. */
const errorMembers = {
  code: text,
  message: text,
  retry: v.picklist(["never", "same", "resend", "rejoin", "reconnect"]),
  effect: v.picklist(["none", "unknown"]),
  expected: optional(whole),
  start: optional(whole),
  next: optional(whole),
  retryAfterMs: optional(whole),
};
const ERROR = v.strictObject({ type: v.literal("error"), id: optional(id), ...errorMembers });
export const PROBLEM = v.strictObject({ title: text, status: whole, ...errorMembers });

/** Codes that carry more, and what. */
const CARRIED: Readonly<Record<string, readonly string[]>> = {
  sequence_gap: ["expected"],
  offset_out_of_range: ["start", "next"],
  rate_limited: ["retryAfterMs"],
  overloaded: ["retryAfterMs"],
};
/** Code and retry that the page allows besides those of its table. */
const RETRIES = ["unavailable reconnect", "fenced never"];

/** Code and effect, likewise: a group's reset or deletion may be refused after its first write. */
const EFFECTS = ["group_active unknown"];

/** What is wrong with a frame from the gateway; `request`: the type of what it answers, if known. */
export function faultOf(frame: unknown, request?: string): string | undefined {
  const { type } = (typeof frame === "object" ? frame ?? {} : {}) as Partial<Frame>;
  if (type === "error") return faultOfError(frame);
  if (type !== "ok") {
    const schema = Object.hasOwn(PUSHES, String(type)) ? PUSHES[String(type)] : undefined;
    return schema ? breach(schema, frame) : `there is no push of type ${String(type)}`;
  }
  if (request === undefined) return breach(v.looseObject({ id }), frame);
  const schema = Object.hasOwn(OK, request) ? OK[request] : undefined;
  return schema ? breach(schema, frame) : `a request of type ${request} was granted`;
}

function faultOfError(frame: unknown): string | undefined {
  return breach(ERROR, frame) ?? faultOfCode(frame as v.InferOutput<typeof ERROR>);
}

/** Whether an error has what its row of the table says. What is a bug of the gateway is a fault. */
export function faultOfCode(
  error: Pick<v.InferOutput<typeof ERROR>, "code" | "retry" | "effect">,
): string | undefined {
  const { code, retry, effect } = error;
  const row = Object.hasOwn(ERROR_TABLE, code) ? ERROR_TABLE[code] : undefined;
  if (!row) return `code ${code} is not in the table`;
  if (code === "internal") return "internal is a bug of the gateway";
  const [, expected, effectExpected] = row;
  if (retry !== expected && !RETRIES.includes(`${code} ${retry}`)) return `retry is ${retry}`;
  if (effect !== effectExpected && !EFFECTS.includes(`${code} ${effect}`)) {
    return `effect is ${effect}`;
  }
  const missing = CARRIED[code]?.find((member) => !Object.hasOwn(error, member));
  return missing && `${code} carries no ${missing}`;
}

/** What the schema finds first; undefined if nothing. */
export function breach(schema: v.GenericSchema, given: unknown): string | undefined {
  const checked = v.safeParse(schema, given, { abortEarly: true });
  if (checked.success) return undefined;
  const [issue] = checked.issues;
  return `${v.getDotPath(issue) ?? "the frame"}: ${issue.message}`;
}
