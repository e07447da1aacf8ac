/** The loop that settles writes under every fault at once: nothing lost, nothing stored twice. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Host } from "../../src/host/host.ts";
import type { Store } from "../../src/store/store.ts";
import { transact } from "../../src/store/transact.ts";
import { FAULTS } from "../sim/fault_store.ts";
import { appending, decode, entryKey, HEAD, runWriters } from "./appending.ts";

const SEEDS = 600;

async function loadHead(store: Store) {
  const [head] = await store.read([HEAD]);
  return {
    checks: [{ key: HEAD, version: head?.version ?? null }],
    next: decode(head?.value),
  };
}

function append(store: Store, host: Host, id: number): Promise<number> {
  return transact(store, host, {
    load: () => loadHead(store),
    decide: ({ next }) => ({
      mutations: appending(next, id),
      evidence: { key: entryKey(next), holds: (value) => decode(value) === id },
      result: next,
    }),
  });
}

/** As one would write it who believes what the store says: not stored, so once more. */
async function appendNaively(store: Store, _: Host, id: number): Promise<number> {
  for (;;) {
    const { checks, next } = await loadHead(store);
    const result = await store.write({ checks, mutations: appending(next, id) });
    if (result.outcome === "stored") return next;
  }
}

Deno.test(`no acknowledged append is lost and none is stored twice, whatever fails (${SEEDS} seeds)`, async () => {
  const faults = { ...FAULTS };
  const answers = { stored: 0, timeout: 0, unavailable: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runWriters(seed, append);
    assertEquals(outcome.violations, [], `seed ${seed}`);
    for (const name of Object.keys(faults) as (keyof typeof faults)[]) {
      faults[name] += outcome.faults[name];
    }
    for (const name of Object.keys(answers) as (keyof typeof answers)[]) {
      answers[name] += outcome.answers[name];
    }
  }
  for (const [name, struck] of Object.entries(faults)) assertGreater(struck, SEEDS / 10, name);
  for (const [name, count] of Object.entries(answers)) assertGreater(count, 0, name);
});

Deno.test("the same faults catch a loop that believes what the store says", async () => {
  let caught = 0;
  for (let seed = 1; seed <= 20; seed++) {
    if ((await runWriters(seed, appendNaively)).violations.length > 0) caught++;
  }
  assert(caught >= 15, `${caught} of 20 seeds were caught`);
});

Deno.test("a seed goes the same way every time, and another one differently", async () => {
  const [first, again, other] = [
    await runWriters(7, append),
    await runWriters(7, append),
    await runWriters(8, append),
  ];
  assertEquals(again, first);
  assert(other.hash !== first.hash);
});
