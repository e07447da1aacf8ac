/**
 * Harsh worlds, which `deno task sim` runs: what happens in wide and broad ones, clients that crash,
 * a store that is slow and stalls, and writes that are minutes late.
 */

import { assert, assertEquals } from "@std/assert";
import { addAll } from "./many.ts";
import type { Outcome } from "./outcome.ts";
import { commandFor, runWorld } from "./worlds.ts";

function assertClean({ seed, violations }: Outcome): void {
  assertEquals([...violations], [], `repeat it with: ${commandFor(seed, {})}`);
}

Deno.test("the same seed gives the same harsh world, event for event", async () => {
  for (const seed of [1, 2]) {
    const [first, second] = [await runWorld(seed, {}), await runWorld(seed, {})];
    assertEquals(first.hash, second.hash);
  }
});

Deno.test("six harsh worlds break no rule, and what makes them harsh happens in them", async () => {
  const totals = new Map<string, number>();
  for (let seed = 500; seed < 506; seed++) {
    const outcome = await runWorld(seed, {});
    assertClean(outcome);
    addAll(totals, outcome.rare);
  }
  for (const name of ["clientCrashed"]) {
    assert((totals.get(name) ?? 0) > 0, `no ${name}`);
  }
});
