/**
 * The simulation: `deno task sim --seed N` runs one seed and shows its end; `deno task sim --seeds 500
 * [--from N]` runs many and counts.
 */

import { parseArgs } from "node:util";
import { type Outcome, runSeed } from "./seed.ts";

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function report({ seed, violations, trace }: Outcome): void {
  for (const line of trace) print(`    ${line}`);
  for (const violation of violations.slice(0, 10)) print(`  seed ${seed}: ${violation}`);
  print(`  repeat it with: deno task sim --seed ${seed}`);
}

/** Runs these seeds; returns how many of them broke a rule. */
export async function runSeeds(from: number, count: number): Promise<number> {
  const totals = { publishes: 0, commits: 0, assignments: 0, kills: 0, cuts: 0 };
  const faults = new Map<string, number>();
  let broken = 0;
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await runSeed(seed);
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
      totals[name] += outcome[name];
    }
    for (const [name, struck] of Object.entries(outcome.faults)) {
      faults.set(name, (faults.get(name) ?? 0) + struck);
    }
    if (outcome.violations.length === 0) continue;
    broken++;
    report(outcome);
  }
  const counted = Object.entries(totals).map(([name, total]) => `${total} ${name}`);
  print(`${counted.join(", ")}`);
  print(`faults: ${[...faults].map(([name, struck]) => `${name} ${struck}`).join(", ")}`);
  print(`sim: ${count} seeds, ${broken} violations`);
  return broken;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "500" },
      from: { type: "string", default: "1" },
    },
  });
  if (values.seed !== undefined) {
    const outcome = await runSeed(Number(values.seed));
    report(outcome);
    print(`sim: 1 seeds, ${outcome.violations.length} violations`);
    Deno.exit(outcome.violations.length === 0 ? 0 : 1);
  }
  Deno.exit(await runSeeds(Number(values.from), Number(values.seeds)) === 0 ? 0 : 1);
}
