import { assertEquals } from "@std/assert";
import { MemoryStore } from "../../src/store/memory.ts";
import { scanAll } from "../../src/store/scan_all.ts";
import type { Key } from "../../src/store/store.ts";

Deno.test("all that is under a prefix comes once and in order, in pages of whatever size", async () => {
  const store = new MemoryStore();
  const under: Key[] = [
    ["p", ""],
    ["p", "a"],
    ["p", "a", "", 1],
    ["p", "a", "b"],
    ["p", "a", 0],
    ["p", "a", 0, "c"],
    ["p", "b"],
    ["p", 7],
    ["p", 7, "d"],
    ["p", 10],
  ];
  const beside: Key[] = [["o"], ["p"], ["pa", 1], [1]];
  await store.write({
    checks: [{ key: ["p"], version: null }],
    mutations: [...under, ...beside].map((key) => ({ type: "set", key, value: new Uint8Array() })),
  });
  for (let limit = 1; limit <= under.length + 1; limit++) {
    const found = await Array.fromAsync(scanAll(store, ["p"], limit), ({ key }) => key);
    assertEquals(found, under, `in pages of ${limit}`);
  }
});
