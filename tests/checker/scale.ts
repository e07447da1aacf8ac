/**
 * Measures the checker on a long, correct history: `deno run -A tests/checker/scale.ts [1000000]`,
 * the number of operations. Prints the time, also without
 * what other programs took of it, and the memory.
 */

import process from "node:process";
import { check } from "./check.ts";
import { type Extent, generate } from "./generate.ts";
import { print } from "../../src/demo/print.ts";

const SEED = 1;

const LARGE: Omit<Extent, "operations"> = {
  partitions: 8,
  publishers: 24,
  readers: 3,
  members: 3,
  paceMs: 15,
  troubleMs: 100,
};

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

const operations = Number(Deno.args[0] ?? 1_000_000);
const made = performance.now();
const events = generate(SEED, { ...LARGE, operations });
print(`made ${operations} operations, ${events.length} events, in ${seconds(made)}`);
const begun = performance.now();
const before = process.cpuUsage();
const findings = check(events);
const { user, system } = process.cpuUsage(before);
const cpu = ((user + system) / 1e6).toFixed(1);
const megabytes = Deno.memoryUsage().rss / 2 ** 20;
print(
  `checked in ${seconds(begun)} (${cpu} s of processors), ${megabytes.toFixed()} MB; ` +
    `${findings.length} findings`,
);
for (const { kind, text } of findings.slice(0, 5)) print(`  ${kind}: ${text}`);
Deno.exit(findings.length > 0 ? 1 : 0);
