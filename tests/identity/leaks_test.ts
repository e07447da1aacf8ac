/**
 * A grant for some keys never shows another: nothing that is stored under it, nor its size, whatever
 * a subject asks for, in whatever order, while others publish to all keys.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Onlooker } from "./leaks/onlooker.ts";
import { operations, tokens } from "./leaks/operations.ts";

Deno.test("a grant for some keys shows all of these and nothing of another, however it is used", async () => {
  const property = fc.asyncProperty(tokens, operations, async (tokens, operations) => {
    const known = await Onlooker.transcript(tokens, operations, "as it is");
    const other = await Onlooker.transcript(tokens, operations, "something else");
    assertEquals(other, known, "what other keys hold makes a difference");
  });
  await fc.assert(property, { numRuns: 100 });
});
