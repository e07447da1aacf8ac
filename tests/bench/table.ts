/**
 * Prints a line for each side of a row. Latencies are those of an open loop at a half and at four
 * fifths of the side's own peak.
 */

import { type Figure } from "./loads.ts";
import { median, quantile, show } from "./figures.ts";

/** From this part of a core on, the driver may be the bottleneck. */
const DRIVER_BUSY = 0.9;

export interface SideFigures {
  readonly name: string;
  /** One for each repeat. */
  readonly closed: readonly Figure[];
  /** At these parts of the peak, if it has an open loop. */
  readonly open: readonly Figure[];
}

type Column = readonly [title: string, width: number, cell: (side: SideFigures) => string];

const SIDES: readonly Column[] = [
  ["side", -26, ({ name }) => name],
  ["per second", 12, ({ closed }) => show(median(closed.map((figure) => figure.perSecond)))],
  ["", 1, ({ closed }) => closed.some(isDriverBusy) ? "*" : ""],
  ["min … max", 23, ({ closed }) => range(closed.map((figure) => figure.perSecond))],
  ["per core-second", 15, ({ closed }) => show(median(closed.map((f) => f.perCpuSecond)))],
  ["at 50 %: p50 / p99 ms", 21, ({ open }) => latency(open[0])],
  ["at 80 %: p50 / p99 ms", 21, ({ open }) => latency(open[1])],
];

export function heading(): string {
  return line(SIDES.map(([title, width]) => pad(title, width)));
}

/** The lines of a row; the first side is ours, and is compared with the others. */
export function sideLines(sides: readonly SideFigures[]): string[] {
  const [ours] = sides;
  return sides.flatMap((side) => {
    const cells = SIDES.map(([, width, cell]) => pad(cell(side), width));
    const note = side.closed.findLast(({ note }) => note !== undefined)?.note;
    return [
      line([...cells, side === ours || !ours ? "" : ratios(ours, side)]),
      ...note === undefined ? [] : [`      ${note}`],
    ];
  });
}

/** Printed after the table. */
export const FOOTNOTE = `* the driver took ${DRIVER_BUSY * 100} % of a core or more itself: ` +
  "it may be what was measured. × is the first side over this one, as it is and by the server's CPU.";

/** The width of the figures' labels. */
const NAME_WIDTH = 66;

export function figureLine(name: string, runs: readonly (number | string)[]): string {
  const figures = runs.filter((figure) => typeof figure === "number");
  if (figures.length < runs.length) return `    ${name.padEnd(NAME_WIDTH)} ${String(runs.at(-1))}`;
  const spread = figures.length > 1 ? `   (${range(figures)})` : "";
  return `    ${name.padEnd(NAME_WIDTH)} ${show(median(figures)).padStart(12)}${spread}`;
}

function ratios(ours: SideFigures, other: SideFigures): string {
  const ratio = (of: (figure: Figure) => number) =>
    show(median(ours.closed.map(of)) / median(other.closed.map(of)));
  return `${ratio((figure) => figure.perSecond)} ×, ${ratio((f) => f.perCpuSecond)} × by CPU`;
}

function isDriverBusy({ driverCores = 0 }: Figure): boolean {
  return driverCores >= DRIVER_BUSY;
}

function range(figures: readonly number[]): string {
  return `${show(Math.min(...figures))} … ${show(Math.max(...figures))}`;
}

function latency(figure: Figure | undefined): string {
  if (!figure?.latencies) return "-";
  const at = (part: number) => show(quantile(figure.latencies ?? [], part));
  return `${at(0.5)} / ${at(0.99)}${isDriverBusy(figure) ? " *" : ""}`;
}

function line(cells: readonly string[]): string {
  return `    ${cells.join("  ")}`.trimEnd();
}

function pad(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}
