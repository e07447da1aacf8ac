/** A short run of the fuzzer, always the same one. */

import { assert, assertEquals } from "@std/assert";
import { fuzz } from "./fuzz.ts";

Deno.test("120 conversations of nonsense harm nobody, and what they get is what the page says", async () => {
  const { faults, conversations, counts, took } = await fuzz({
    seed: 7,
    for: { conversations: 120 },
    store: ":memory:",
    print: () => {},
  });
  assertEquals(faults, []);
  assertEquals(conversations, 120);
  assert(took.length > 0, "the healthy client received nothing");
  // It would find nothing if it came no further than the first look at what it sends.
  for (
    const expected of ["ok", "invalid_frame", "not_owner", "HTTP 200", "HTTP 400", "closed 1002"]
  ) {
    assert(counts.has(expected), `${expected} did not come: ${[...counts.keys()].join(", ")}`);
  }
});
