/**
 * Runs seeds until one has a finding of a certain kind: `hunt.ts` starts it in a copy of the
 * project with a bug in it. It prints the outcome as one line of JSON.
 */

import { parseArgs } from "node:util";
import { type Choice, runWorld } from "../worlds.ts";

export interface Sightings {
  /** The seed that had it; absent: none did. */
  readonly seed?: number;
  /** Kinds of findings in the seeds up to there, each with the first seed that had it. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** Runs seeds from 1 on, at most so many, until one has a finding of one of these kinds. */
async function seek(
  seeds: number,
  wanted: ReadonlySet<string>,
  choice: Choice,
): Promise<Sightings> {
  const kinds: Record<string, number> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await runWorld(seed, choice);
    for (const { kind } of violations) kinds[kind] ??= seed;
    if (violations.some(({ kind }) => wanted.has(kind))) return { seed, kinds };
  }
  return { kinds };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      kind: { type: "string", multiple: true, default: [] },
      world: { type: "string" },
    },
  });
  const { world } = values;
  const choice: Choice = world === "frames" || world === "client" ? { world } : {};
  // Leftovers of a world that is over belong to no seed.
  globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
  const sightings = await seek(Number(values.seeds), new Set(values.kind), choice);
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(sightings)}\n`));
  Deno.exit(0);
}
