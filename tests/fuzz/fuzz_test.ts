/** A short run of the fuzzer, always the same one. */

import { assert, assertEquals } from "@std/assert";
import { fuzz } from "./fuzz.ts";

Deno.test("60 conversations of nonsense harm nobody, and what they get is what the page says", async () => {
  const { faults, conversations, counts, took } = await fuzz({
    seed: 7,
    for: { conversations: 60 },
    store: ":memory:",
    print: () => {},
  });
  assertEquals(faults, []);
  assertEquals(conversations, 60);
  assert(took.length > 0, "the healthy client received nothing");
  // It would find nothing if it came no further than the first look at what it sends.
  const some = ["ok", "invalid_frame", "unknown_subscription", "closed 4501"];
  for (const expected of [...some, "HTTP 200", "HTTP 400", "HTTP 404"]) {
    assert(counts.has(expected), `${expected} did not come: ${[...counts.keys()].join(", ")}`);
  }
});
