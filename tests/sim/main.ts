/**
 * The simulation. `deno task sim --seed N` runs one seed and shows its end; `deno task sim --seeds
 * 500 [--from N] [--jobs 2]` runs many and counts. `--world frames` and `--world client` choose the
 * clients, `--gateways N` how many gateways share the store; `--narrow` is the world of the first
 * seeds, `--wide` and `--broad` those of the next. `--bugs` plants bugs and shows in which seed each is found, of
 * at most `--seeds 2000`; `--bug NAME` plants one. `--history FILE` records what the clients of one
 * seed were told, for `deno task check FILE`.
 */

import { parseArgs } from "node:util";
import { writeHistory } from "../checker/recorder.ts";
import { huntAll } from "./bugs/hunt.ts";
import { runMany, Totals } from "./many.ts";
import type { Summary } from "./worker.ts";
import { type Choice, commandFor, runWorld } from "./worlds.ts";
import { print } from "../../src/demo/print.ts";

/** Seeds to run, and in which each planted bug must be found, unless given. */
const SEEDS = 500;
const BUG_SEEDS = 2_000;
/** Violations and trace lines shown for one seed. */
const SHOWN = 10;
/** The worlds of earlier seeds. */
const LIKES = ["narrow", "wide", "broad"] as const;

function report({ seed, violations, trace }: Summary, choice: Choice): void {
  for (const line of trace) print(`    ${line}`);
  for (const { kind, text } of violations.slice(0, SHOWN)) {
    print(`  seed ${seed}: ${kind}: ${text}`);
  }
  print(`  repeat it with: ${commandFor(seed, choice)}`);
}

/** Runs one seed; returns whether it kept the rules. */
async function runOne(seed: number, choice: Choice, file: string | undefined): Promise<boolean> {
  const outcome = await runWorld(seed, choice);
  if (file !== undefined) await writeHistory(file, outcome.history);
  report(outcome, choice);
  print(`sim: 1 seeds, ${outcome.violations.length} violations`);
  return outcome.violations.length === 0;
}

/** Runs many; returns whether all kept the rules, and enough happened in them. */
async function runAll(from: number, count: number, jobs: number, choice: Choice): Promise<boolean> {
  const totals = new Totals();
  const begun = performance.now();
  await runMany({ from, count, jobs }, choice, (summary) => {
    totals.add(summary);
    if (summary.violations.length > 0) report(summary, choice);
  });
  const realMs = performance.now() - begun;
  const hours = totals.virtualMs / 3_600_000;
  const speed = totals.virtualMs / realMs / jobs;
  print(
    `${hours.toFixed(1)} virtual hours, ${
      speed.toFixed(0)
    } times as fast as real ones on each core`,
  );
  print(listed(totals.counts));
  print(`in each seed at least ${listed(new Map(Object.entries(totals.least)))}`);
  print(`faults: ${listed(totals.faults)}`);
  print(`rare: ${listed(totals.rare)}`);
  if (totals.broken > 0) print(`violations, in so many seeds: ${listed(totals.violations)}`);
  // In the worlds of earlier seeds some things cannot happen.
  const missing = choice.like === undefined ? totals.tooRare : [];
  if (missing.length > 0) print(`too rare to have been tried: ${missing.join(", ")}`);
  const little = choice.like === undefined ? totals.tooLittle : [];
  if (little.length > 0) print(`a seed had too little: ${little.map(spaced).join(", ")}`);
  print(`sim: ${count} seeds, ${totals.broken} violations`);
  return totals.broken === 0 && missing.length === 0 && little.length === 0;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${count} ${spaced(name)}`).join(", ");
}

/** `lateWriteRefused` as words. */
function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Runs what the options ask for; returns whether everything was as it should be. */
function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      world: { type: "string" },
      gateways: { type: "string" },
      narrow: { type: "boolean" },
      wide: { type: "boolean" },
      broad: { type: "boolean" },
      history: { type: "string" },
      bugs: { type: "boolean", default: false },
      bug: { type: "string" },
    },
  });
  const { seed, seeds, world, gateways, bug: name } = values;
  const like = LIKES.find((like) => values[like]);
  if (world !== undefined && world !== "frames" && world !== "client") {
    throw new Error(`--world is "${world}": it must be frames or client`);
  }
  const jobs = Number(values.jobs);
  if (values.bugs || name !== undefined) {
    const which = name === undefined ? {} : { name };
    return huntAll({ ...which, seeds: Number(seeds ?? BUG_SEEDS), jobs, print });
  }
  const choice: Choice = {
    ...like === undefined ? {} : { like },
    ...world === undefined ? {} : { world },
    ...gateways === undefined ? {} : { gateways: Number(gateways) },
  };
  if (seed !== undefined) return runOne(Number(seed), choice, values.history);
  return runAll(Number(values.from), Number(seeds ?? SEEDS), jobs, choice);
}

if (import.meta.main) Deno.exit(await main() ? 0 : 1);
