import { assert, assertEquals } from "@std/assert";
import { forgetOldest } from "../src/forget_oldest.ts";

Deno.test("the newest are kept, and hardly more of them than that", () => {
  const map = new Map<number, number>();
  for (let i = 0; i < 5_000; i++) {
    map.set(i, i);
    forgetOldest(map, 80);
    assert(map.size <= 90);
    const newest = Array.from({ length: Math.min(i + 1, 80) }, (_, back) => map.get(i - back));
    assertEquals(newest, newest.map((_, back) => i - back));
  }
});
