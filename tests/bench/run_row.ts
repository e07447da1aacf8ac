/** Runs a row: its sides in turn, so that a slow minute of the machine affects all of them. */

import { print } from "../../src/demo/print.ts";
import { median } from "./figures.ts";
import type { Figure } from "./loads.ts";
import type { Bench, FigureRow, Row, Side, ThroughputRow } from "./row.ts";
import { figureLine, heading, sideLines } from "./table.ts";

/** Parts of a side's own peak at which its latency is measured. */
const PARTS = [0.5, 0.8];

export async function runRow(row: Row, bench: Bench): Promise<void> {
  print(`\n${row.name}  ${row.load}`);
  if (row.goal !== undefined) print(`    goal: ${row.goal}`);
  if ("sides" in row) await compare(row, bench);
  else await repeat(row, bench);
}

async function compare(row: ThroughputRow, bench: Bench): Promise<void> {
  const all = await row.sides(bench);
  const sides = all.filter((side) => typeof side !== "string");
  const closed = new Map<Side, Figure[]>(sides.map((side) => [side, []]));
  for (let i = 0; i < bench.repeats; i++) {
    for (const side of sides) closed.get(side)?.push(await side.run(bench.ms));
  }
  const open = new Map<Side, Figure[]>();
  for (const side of sides) {
    const peak = median((closed.get(side) ?? []).map(({ perSecond }) => perSecond));
    open.set(side, await byTheClock(side, peak, bench, side === sides[0]));
  }
  print(heading());
  const figures = sides.map((side) => ({
    name: side.name,
    closed: closed.get(side) ?? [],
    open: open.get(side) ?? [],
  }));
  for (const line of sideLines(figures)) print(line);
  for (const line of all) if (typeof line === "string") print(`    ${line}`);
}

/** In a hurry only the first side, which is ours, is measured. */
async function byTheClock(
  side: Side,
  peak: number,
  { ms, isQuick }: Bench,
  isOurs: boolean,
): Promise<Figure[]> {
  if (!side.hasOpenLoop || !(peak > 0) || (isQuick && !isOurs)) return [];
  const figures: Figure[] = [];
  for (const part of PARTS) figures.push(await side.run(isQuick ? ms / 2 : ms, peak * part));
  return figures;
}

async function repeat(row: FigureRow, bench: Bench): Promise<void> {
  const runs = [];
  for (let i = 0; i < (row.isOnce ? 1 : bench.repeats); i++) runs.push(await row.figures(bench));
  for (const name of Object.keys(runs[0] ?? {})) {
    print(figureLine(name, runs.map((figures) => figures[name] ?? NaN)));
  }
}
