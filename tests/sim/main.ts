/**
 * The simulation: `deno task sim --seed N` runs one seed and shows its end; `deno task sim --seeds 500
 * [--from N]` runs many and counts. With `--client`, it is the client that is in the faulty world, and
 * not only the gateway; with `--gateways N`, so many gateways share the store.
 */

import { parseArgs } from "node:util";
import { runClientSeed } from "./client_seed.ts";
import { type Outcome, runSeed } from "./seed.ts";

type Run = (seed: number, gateways: number) => Promise<Outcome>;

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function report({ seed, violations, trace }: Outcome, run: Run, gateways: number): void {
  for (const line of trace) print(`    ${line}`);
  for (const violation of violations.slice(0, 10)) print(`  seed ${seed}: ${violation}`);
  print(
    `  repeat it with: deno task sim${run === runClientSeed ? " --client" : ""}${
      gateways > 1 ? ` --gateways ${gateways}` : ""
    } --seed ${seed}`,
  );
}

/** Runs these seeds; returns how many of them broke a rule. */
async function runSeeds(run: Run, gateways: number, from: number, count: number): Promise<number> {
  const totals = new Map<string, number>();
  const faults = new Map<string, number>();
  let broken = 0;
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await run(seed, gateways);
    add(totals, outcome.counts);
    add(faults, outcome.faults);
    if (outcome.violations.length === 0) continue;
    broken++;
    report(outcome, run, gateways);
  }
  print([...totals].map(([name, total]) => `${total} ${name}`).join(", "));
  print(`faults: ${[...faults].map(([name, struck]) => `${name} ${struck}`).join(", ")}`);
  print(`sim: ${count} seeds, ${broken} violations`);
  return broken;
}

function add(to: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) to.set(name, (to.get(name) ?? 0) + count);
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "500" },
      from: { type: "string", default: "1" },
      client: { type: "boolean", default: false },
      gateways: { type: "string", default: "1" },
    },
  });
  const run = values.client ? runClientSeed : runSeed;
  const gateways = Number(values.gateways);
  if (values.seed !== undefined) {
    const outcome = await run(Number(values.seed), gateways);
    report(outcome, run, gateways);
    print(`sim: 1 seeds, ${outcome.violations.length} violations`);
    Deno.exit(outcome.violations.length === 0 ? 0 : 1);
  }
  Deno.exit(await runSeeds(run, gateways, Number(values.from), Number(values.seeds)) === 0 ? 0 : 1);
}
