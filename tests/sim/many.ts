/** Runs many seeds, on several cores if asked to, and sums up what happened in them. */

import { faultsOf, LEAST } from "./outcome.ts";
import type { Summary, Task } from "./worker.ts";
import { type Choice, runWorld } from "./worlds.ts";

export interface Span {
  readonly from: number;
  readonly count: number;
  /** Number of workers, each on a core; 1: only this process. */
  readonly jobs: number;
}

/** Runs a range of seeds; `done` is called with each when it is over, in no particular order. */
export async function runMany(
  { from, count, jobs }: Span,
  choice: Choice,
  done: (summary: Summary) => void,
): Promise<void> {
  let next = from;
  const take = () => next < from + count ? next++ : undefined;
  if (jobs > 1) {
    await Promise.all(Array.from({ length: jobs }, () => employ(take, choice, done)));
    return;
  }
  for (let seed = take(); seed !== undefined; seed = take()) done(await runWorld(seed, choice));
}

/** Runs a worker as long as there are seeds. */
async function employ(
  take: () => number | undefined,
  choice: Choice,
  done: (summary: Summary) => void,
): Promise<void> {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
  try {
    for (let seed = take(); seed !== undefined; seed = take()) {
      done(await ask(worker, { seed, choice }));
    }
  } finally {
    worker.terminate();
  }
}

function ask(worker: Worker, task: Task): Promise<Summary> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Summary>) => resolve(data);
    worker.onerror = (event) => reject(new Error(`Seed ${task.seed}: ${event.message}`));
    worker.postMessage(task);
  });
}

/** Sums over seeds. */
export class Totals {
  readonly counts = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly rare = new Map<string, number>();
  /** By kind: the number of seeds that had it. */
  readonly violations = new Map<string, number>();
  seeds = 0;
  broken = 0;
  virtualMs = 0;
  /** The smallest counts of any seed. */
  readonly least = {
    virtualMs: Infinity,
    operations: Infinity,
    faults: Infinity,
    rebalances: Infinity,
  };

  add(summary: Summary): void {
    const { counts, faults, rare, violations, virtualMs } = summary;
    this.seeds++;
    this.virtualMs += virtualMs;
    const { least } = this;
    least.virtualMs = Math.min(least.virtualMs, virtualMs);
    least.operations = Math.min(least.operations, counts["operations"] ?? 0);
    least.faults = Math.min(least.faults, faultsOf(summary));
    least.rebalances = Math.min(least.rebalances, counts["rebalances"] ?? 0);
    addAll(this.counts, counts);
    addAll(this.faults, faults);
    addAll(this.rare, rare);
    if (violations.length > 0) this.broken++;
    for (const kind of new Set(violations.map(({ kind }) => kind))) {
      this.violations.set(kind, (this.violations.get(kind) ?? 0) + 1);
    }
  }

  /** What each seed should have more of, and one had not. */
  get tooLittle(): readonly string[] {
    const names = Object.keys(LEAST) as (keyof typeof LEAST)[];
    return names.filter((name) => this.least[name] < LEAST[name]);
  }

  /** What should happen at least once in a hundred seeds, and did not. */
  get tooRare(): readonly string[] {
    const least = Math.floor(this.seeds / 100);
    return [...this.rare].filter(([, times]) => times < least).map(([name]) => name);
  }
}

/** Adds counts to those of the same name. */
export function addAll(to: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) to.set(name, (to.get(name) ?? 0) + count);
}
