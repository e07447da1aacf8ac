import { assertEquals } from "@std/assert";
import { summary, type ToSum } from "./summary.ts";

const CALM: ToSum = {
  operations: 1_000,
  deeds: { kills: 1, pauses: 2, partitions: 3, drains: 4, storeKills: 5, resets: 6, ended: 7 },
  violations: [],
  ownerless: { ms: 2_345, at: 60_000, group: "g0", name: "a/1" },
};

Deno.test("what was done and what was found are told at the end", () => {
  assertEquals(summary(CALM), [
    "1000 operations, 1 kills, 2 pauses, 3 partitions, 4 drains, 5 kills of the store, " +
    "6 resets of clients",
    "lost 0, duplicated 0, double-owned 0, otherwise wrong 0",
    "longest time without an owner: 2.3 s, a/1 of g0 from 60.0 s on",
  ]);
  const always = { ...CALM, ownerless: undefined };
  assertEquals(summary(always).at(-1), "longest time without an owner: none");
});

const COUNTED: Readonly<Record<string, string>> = {
  "lost-write unseen": "lost 2, duplicated 0, double-owned 0, otherwise wrong 0",
  "never-passed skipped poll-skip": "lost 3, duplicated 0, double-owned 0, otherwise wrong 0",
  "duplicate passed-twice": "lost 0, duplicated 2, double-owned 0, otherwise wrong 0",
  "double-owner zombie-commit": "lost 0, duplicated 0, double-owned 2, otherwise wrong 0",
  "hangs unowned phantom": "lost 0, duplicated 0, double-owned 0, otherwise wrong 3",
  "lost-write duplicate double-owner uneven":
    "lost 1, duplicated 1, double-owned 1, otherwise wrong 1",
};

for (const [kinds, expected] of Object.entries(COUNTED)) {
  Deno.test(`violations are counted by what they do to clients: ${kinds}`, () => {
    const violations = kinds.split(" ").map((kind) => ({ kind, text: "" }));
    assertEquals(summary({ ...CALM, violations })[1], expected);
  });
}
