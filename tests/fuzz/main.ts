/**
 * The fuzzer: `deno task fuzz [--minutes 10] [--seed N] [--only CONVERSATION] [--store FILE]`. Random
 * bytes, random JSON, mutated and misplaced frames and mutated requests against a gateway that is a
 * process of its own, over many sockets at once, while one client goes about its business. The store
 * is a file of its own unless one is named (`:memory:`, too).
 *
 * A seed and a number are one conversation, whatever the gateway does; which ones go on at the same
 * time, and how far each has come, is up to the machine.
 */

import { parseArgs } from "node:util";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { fuzz, type FuzzOptions, type Outcome } from "./fuzz.ts";

const USAGE =
  "Usage: deno task fuzz [--minutes 10] [--seed N] [--only CONVERSATION] [--store FILE]";

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      only: { type: "string" },
      store: { type: "string" },
    },
  });
  const seed = Number(values.seed);
  const minutes = Number(values.minutes);
  const only = Number(values.only ?? 0);
  if (!Number.isInteger(seed) || !(minutes > 0) || !Number.isInteger(only)) throw new Error(USAGE);
  const folder = await Deno.makeTempDir({ prefix: "weir-fuzz-" });
  try {
    print(`deno task fuzz --minutes ${minutes} --seed ${seed}`);
    const options: FuzzOptions = {
      seed,
      for: values.only === undefined ? { ms: minutes * 60_000 } : { conversations: 1 },
      first: only,
      store: values.store ?? `${folder}/fuzz.kv`,
      print,
    };
    return report(await fuzz(options), minutes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function report(outcome: Outcome, minutes: number): number {
  const { faults, counts, conversations, took, refused, lateMs, resident } = outcome;
  const sorted = [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  print(sorted.map(([outcome, count]) => `${count} ${outcome}`).join(", "));
  const ms = took.toSorted((a, b) => a - b);
  const at = (share: number) => ms[Math.floor(share * (ms.length - 1))]?.toFixed(1);
  const spread = `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} ms`;
  print(`healthy client: ${ms.length} records, ${refused} tries refused; ${spread}, of which`);
  print(`  the fuzzer, which is busy with the others, took ${lateMs.toFixed(0)} at most`);
  const MiB = resident.map((bytes) => Math.round(bytes / 1_048_576));
  print(`resident: ${MiB[0]} MiB after the first round, ${MiB.at(-1)} MiB after the last`);
  print(`fuzz: ${minutes} minutes, ${conversations} conversations, ${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) await runProgram(main);
