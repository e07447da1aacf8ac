import { assertRejects } from "@std/assert";
import { AssertionFailed } from "../../src/assert.ts";
import { Journal, type Part } from "../../src/log/journal.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { testHost } from "../support/test_host.ts";

Deno.test("an error in what is told is that of a broken invariant: nobody would write any more", async () => {
  const journal = new Journal(new MemoryStore(), testHost());
  const part: Part = {
    checks: [],
    mutations: [{ type: "set", key: ["a"], value: Uint8Array.of(1) }],
    bytes: 1,
    evidence: { key: ["a"], holds: () => true },
    stored: () => () => {
      throw new RangeError("stack overflow");
    },
    refused: async () => {},
    overdue() {},
  };
  const parts = [part];
  journal.add({ take: () => parts.pop() });
  journal.wake();
  await assertRejects(() => journal.idle(), AssertionFailed);
});
