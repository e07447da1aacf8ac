/**
 * Tests the rules that every contract test is checked by: each is broken once here, and must be
 * reported.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { SessionRules } from "./session_rules.ts";

type Step = readonly ["sent" | "came", unknown];

const subscribe = { type: "subscribe", id: 1, topic: "t", credit: { records: 4, bytes: 10 } };
const positions = [{ topic: "t", partition: 0, offset: 5 }];
const subscribed: readonly Step[] = [
  ["sent", subscribe],
  ["came", { type: "ok", id: 1, subscription: 7, positions, incarnation: "i", recovered: true }],
];
const joined: readonly Step[] = [
  ["sent", { type: "join", id: 1, group: "g", topics: ["t"] }],
  ["came", { type: "ok", id: 1, subscription: 7, member: "m", epoch: 1 }],
];
const of = { subscription: 7, topic: "t", partition: 0 };
const records = (from: number, count: number, more = {}) => ({
  type: "records",
  ...of,
  records: Array.from({ length: count }, (_, n) => ({ offset: from + n, timestamp: 1, value: n })),
  next: from + count,
  bytes: count,
  ...more,
});
const gap = (from: number, to: number) => ({ type: "gap", ...of, from, to, reason: "slow" });
const heads = (next: number, end: number) => ({
  type: "heartbeat",
  heads: { 7: [{ topic: "t", partition: 0, next, end }] },
});
const assign = {
  type: "assign",
  subscription: 7,
  epoch: 1,
  partitions: [{ ...positions[0], incarnation: "i" }],
};
const revoke = {
  type: "revoke",
  subscription: 7,
  epoch: 2,
  partitions: [{ topic: "t", partition: 0 }],
  deadlineMs: 9,
};

const histories: readonly [what: string, breaks: string | undefined, steps: readonly Step[]][] = [
  ["records that follow each other", undefined, [...subscribed, ["came", records(5, 2)], [
    "came",
    records(7, 2),
  ]]],
  ["a hole", "do not go on", [...subscribed, ["came", records(6, 1)]]],
  ["a repeat", "do not go on", [...subscribed, ["came", records(5, 2)], ["came", records(6, 1)]]],
  ["a hole named by a gap", undefined, [...subscribed, ["came", gap(5, 9)], [
    "came",
    records(9, 1),
  ]]],
  ["a gap that does not begin at the position", "a gap does not begin", [...subscribed, [
    "came",
    gap(6, 9),
  ]]],
  ["an empty push", "no records", [...subscribed, ["came", records(5, 0)]]],
  ["a wrong next", "next does not follow", [...subscribed, ["came", records(5, 1, { next: 7 })]]],
  ["more records than the credit", "overdrawn", [...subscribed, ["came", records(5, 5)]]],
  ["as much as the credit that was added allows", undefined, [
    ...subscribed,
    ["sent", { type: "credit", subscription: 7, records: 1 }],
    ["came", records(5, 5)],
  ]],
  ["a push when the bytes are spent", "bytes were spent", [
    ...subscribed,
    ["came", records(5, 1, { bytes: 10 })],
    ["came", records(6, 1)],
  ]],
  ["a push before the ok", "no subscription", [["sent", subscribe], ["came", records(5, 1)]]],
  ["a push after the end", "is over", [
    ...subscribed,
    ["came", { type: "end", subscription: 7, code: "unknown_topic", message: "m", retry: "never" }],
    ["came", records(5, 1)],
  ]],
  ["a push after unsubscribe", "is over", [
    ...subscribed,
    ["sent", { type: "unsubscribe", id: 2, subscription: 7 }],
    ["came", [{ type: "ok", id: 2 }, records(5, 1)]],
  ]],
  ["a number used twice", "a number used twice", [...subscribed, ...subscribed]],
  ["a reply to nothing", "no open request", [["came", { type: "ok", id: 3 }]]],
  ["two replies", "no open request", [...subscribed, subscribed[1]!]],
  ["a code that is not known", "not in the table", [["came", { type: "error", code: "oops" }]]],
  ["another retry than the table's", "has retry", [
    ["came", { type: "error", code: "internal", message: "m", retry: "never", effect: "unknown" }],
  ]],
  ["an array of none", "0 frames", [["came", []]]],
  ["an array of 65", "65 frames", [["came", Array(65).fill({ type: "ping" })]]],
  ["delivery of what is not assigned", "not followed", [...joined, ["came", records(5, 1)]]],
  ["delivery of what is", undefined, [...joined, ["came", assign], ["came", records(5, 1)]]],
  ["delivery after a revoke", "after a revoke", [
    ...joined,
    ["came", assign],
    ["came", revoke],
    ["came", records(5, 1)],
  ]],
  ["what was released and assigned again", undefined, [
    ...joined,
    ["came", assign],
    ["came", revoke],
    ["sent", { type: "release", subscription: 7, partitions: [{ topic: "t", partition: 0 }] }],
    ["came", assign],
    ["came", records(5, 1)],
  ]],
  ["what is assigned twice", "assigned twice", [...joined, ["came", assign], ["came", assign]]],
  ["heads at the position", undefined, [...subscribed, ["came", records(5, 1)], [
    "came",
    heads(6, 9),
  ]]],
  ["heads ahead of the position", "is reached", [...subscribed, ["came", heads(6, 9)]]],
  ["heads that have not changed", "without a change", [
    ...subscribed,
    ["came", heads(5, 9)],
    ["came", heads(5, 9)],
  ]],
  ["a seek", undefined, [
    ...subscribed,
    ["came", records(5, 1)],
    ["sent", {
      type: "seek",
      id: 2,
      subscription: 7,
      partitions: [{ topic: "t", partition: 0, offset: 1 }],
    }],
    ["came", records(6, 1)],
    ["came", { type: "ok", id: 2 }],
    ["came", records(1, 1)],
  ]],
];

for (const [what, breaks, steps] of histories) {
  Deno.test(`the rules ${breaks ? "catch" : "allow"} ${what}`, () => {
    const rules = new SessionRules();
    for (const [which, frame] of steps) {
      if (which === "sent") rules.sent(frame as Parameters<SessionRules["sent"]>[0]);
      else rules.received(JSON.stringify(frame));
    }
    if (breaks === undefined) assertEquals(rules.violations, []);
    else assertStringIncludes(rules.violations[0] ?? "nothing", breaks);
  });
}
