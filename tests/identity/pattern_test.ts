import { assertEquals } from "@std/assert";
import {
  matches,
  readNamePattern,
  readTopicPattern,
  type TopicPattern,
} from "../../src/identity/pattern.ts";

const patterns: readonly [pattern: string, topic: string, key?: string][] = [
  ["orders", "orders"],
  ["orders-*", "orders-*"],
  ["*", "*"],
  ["a.b_c-D9", "a.b_c-D9"],
  [".*", ".*"],
  ["orders/7", "orders", "7"],
  ["orders/7*", "orders", "7*"],
  ["orders/*", "orders", "*"],
  ["*/k", "*", "k"],
  ["orders/a/b", "orders", "a/b"],
  ["orders/{sub}", "orders", "me"],
  ["orders/{sub}/*", "orders", "me/*"],
  ["orders/x-{sub}-{sub}", "orders", "x-me-me"],
  ["orders/{other}", "orders", "{other}"],
];

for (const [pattern, topic, key] of patterns) {
  Deno.test(`${pattern} is a pattern`, () => {
    const read = readTopicPattern(pattern, "me");
    assertEquals([read && shown(read.topic), read?.key && shown(read.key)], [topic, key]);
  });
}

function shown({ text, isPrefix }: TopicPattern["topic"]): string {
  return isPrefix ? `${text}*` : text;
}

const noPatterns = [
  "",
  "/",
  "/k",
  "orders/",
  "_internal",
  "_*",
  ".",
  "..",
  "a b",
  "a*b",
  "**",
  "*a",
  "orders/a*b",
  "orders/**",
  "{sub}",
  "orders-{sub}",
  "ö",
  "orders/\ud800",
  "o".repeat(201),
];

for (const pattern of noPatterns) {
  Deno.test(`${JSON.stringify(pattern.slice(0, 20))} is no pattern of topics`, () => {
    assertEquals(readTopicPattern(pattern, "me"), undefined);
  });
}

Deno.test("groups have no keys", () => {
  assertEquals(readNamePattern("g/k"), undefined);
  assertEquals(readNamePattern("g*"), { text: "g", isPrefix: true });
});

Deno.test("a subject is literal text, whatever characters it has", () => {
  for (const subject of ["*", "a*", "{sub}", "$&", "a/b", "\u0000", "💡"]) {
    const key = readTopicPattern("t/{sub}", subject)?.key;
    assertEquals(key, { text: subject, isPrefix: false });
  }
});

Deno.test("a prefix matches what begins with it, itself too, and text only itself", () => {
  const prefix = { text: "ab", isPrefix: true };
  const exact = { text: "ab", isPrefix: false };
  const given = ["ab", "abc", "a", "xab", ""];
  assertEquals(given.map((one) => matches(prefix, one)), [true, true, false, false, false]);
  assertEquals(given.map((one) => matches(exact, one)), [true, false, false, false, false]);
});
