/**
 * Checks a history in a file, one event per line: `deno task check history.jsonl`. `history.ts`
 * describes the events, `finding.ts` the findings.
 */

import { check } from "./check.ts";
import type { Finding } from "./finding.ts";
import { type Figures, figures } from "./figures.ts";
import { readHistory } from "./read.ts";
import { print } from "../../src/demo/print.ts";

/** Findings that are printed in full, and how many of them may be of one kind. */
const SHOWN = 20;
const SHOWN_OF_KIND = 5;

function printFigures({ events, operations, records, lagMs, deliveries }: Figures): void {
  print(`${events} events, ${operations} operations, ${records} records`);
  const { p50, p99, max } = lagMs;
  print(
    `behind by at least: p50 ${p50.toFixed()}, p99 ${p99.toFixed()}, at most ${max.toFixed()} ms`,
  );
  for (const [group, counts] of deliveries) {
    const times = counts.map(([times, records]) => `${records} records ${times} times`);
    print(`delivered to ${group}: ${times.join(", ")}`);
  }
}

function printFindings(findings: readonly Finding[]): void {
  const counts = new Map<string, number>();
  const shown: Finding[] = [];
  for (const finding of findings) {
    const count = (counts.get(finding.kind) ?? 0) + 1;
    counts.set(finding.kind, count);
    if (count <= SHOWN_OF_KIND && shown.length < SHOWN) shown.push(finding);
  }
  for (const [kind, count] of counts) print(`${count} ${kind}`);
  for (const { kind, text, at } of shown) print(`  ${at.toFixed()} ms: ${kind}: ${text}`);
  if (findings.length > shown.length) print(`  and ${findings.length - shown.length} more`);
}

const [file, ...rest] = Deno.args;
if (file === undefined || rest.length > 0) {
  print("usage: deno task check history.jsonl");
  Deno.exit(2);
}
const events = await readHistory((await Deno.open(file)).readable);
const counted = figures(events);
const findings = check(events);
printFigures(counted);
printFindings(findings);
print(`check: ${counted.operations} operations, ${findings.length} findings`);
Deno.exit(findings.length > 0 ? 1 : 0);
