/**
 * Schemas of the event types in `history.ts`, for events from a file. Unknown members are ignored,
 * so that a recorder may write more than is checked.
 */

import * as v from "valibot";
import type { Event } from "./history.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const name = v.string();
const absent = v.exactOptional;

const place = v.tuple([count, count]);
const position = v.tuple([name, count, count]);
const records = v.array(v.tuple([count, name]));
const partitions = v.array(v.tuple([name, count]));

const producer = v.object({ id: name, epoch: count, sequence: count });
const send = v.object({
  topic: name,
  values: v.array(name),
  // A record without a key is `null` in a file, since JSON has no `undefined`.
  keys: absent(v.array(v.pipe(v.nullish(name), v.transform((key) => key ?? undefined)))),
  producer: absent(producer),
});
const commit = v.object({ group: name, member: name, offsets: v.array(position) });

const base = { at: v.pipe(v.number(), v.finite()), process: name };

function invocation<const F extends string, const E extends v.ObjectEntries>(f: F, entries: E) {
  const op = { op: count };
  return v.object({ ...base, type: v.literal("invoke"), f: v.literal(f), ...op, ...entries });
}

function telling<const F extends string, const E extends v.ObjectEntries>(f: F, entries: E) {
  return v.object({ ...base, type: v.literal("told"), f: v.literal(f), ...entries });
}

const invocations = v.variant("f", [
  invocation("send", { sends: v.array(send), commit: absent(commit) }),
  invocation("commit", { commit }),
  invocation("reset", { group: name, offsets: v.array(position) }),
  invocation("delete", { topic: name }),
  invocation("tail", { topic: name }),
]);

const member = { group: name, member: name };
const reading = { reader: name, topic: name };
const partition = { ...reading, partition: count };
const incarnation = { topic: name, incarnation: name };

const tellings = v.variant("f", [
  telling("subscribe", {
    ...reading,
    incarnation: name,
    positions: v.array(place),
    recovered: absent(v.boolean()),
    filtered: absent(v.boolean()),
  }),
  telling("unsubscribe", reading),
  telling("poll", { ...partition, records, next: absent(count), kept: absent(v.boolean()) }),
  telling("gap", { ...partition, from: count, to: count, reason: v.picklist(["trimmed", "slow"]) }),
  telling("assign", {
    ...member,
    epoch: absent(count),
    topics: absent(v.array(name)),
    partitions: v.array(v.union([v.strictTuple([name, count, count, name]), position])),
  }),
  telling("revoke", { ...member, epoch: absent(count), lost: v.boolean(), partitions }),
  telling("release", { ...member, partitions }),
  telling("left", member),
  telling("connection", { member: name, up: v.boolean() }),
  telling("grant", {
    read: v.array(name),
    write: v.array(name),
    groups: absent(v.array(name)),
    until: absent(v.pipe(v.number(), v.finite())),
  }),
  telling("topic", { ...incarnation, partitions: count }),
  telling("healed", {}),
  telling("log", { ...incarnation, partition: count, start: count, next: count, records }),
]);

const completion = { ...base, op: count };

export const eventSchema: v.GenericSchema<unknown, Event> = v.variant("type", [
  invocations,
  tellings,
  v.object({
    ...completion,
    type: v.literal("ok"),
    places: absent(v.array(v.array(place))),
    duplicate: absent(v.boolean()),
    committed: absent(v.array(position)),
    tails: absent(v.array(place)),
  }),
  v.object({ ...completion, type: v.picklist(["fail", "info"]), error: name }),
  v.object({
    ...base,
    type: v.literal("terms"),
    f: v.literal("terms"),
    overlapMs: v.pipe(v.number(), v.minValue(0)),
    groups: v.array(name),
    unrecorded: absent(v.array(name)),
    graceMs: absent(v.pipe(v.number(), v.minValue(0))),
    lagMs: absent(v.pipe(v.number(), v.minValue(0))),
  }),
]);

/** The event itself if it is valid, else what is wrong with it. */
export function eventOf(value: unknown): Event | string {
  const found = v.safeParse(eventSchema, value, { abortEarly: true });
  if (found.success) return found.output;
  const [issue] = found.issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}
