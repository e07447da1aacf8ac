/** What a run prints: a line of figures for each abuser, then what it does, what it got, and memory. */

import { boundBytes, boundText } from "./bounds.ts";
import {
  type Effect,
  effectOn,
  median,
  memoryRises,
  type Quantile,
  rises,
  type Round,
} from "./figures.ts";
import type { Row } from "./run.ts";

const MIB = 1 << 20;
/** What others may feel at most, as a ratio. */
const GOAL = 1.2;

type Column = readonly [title: string, width: number, cell: (row: Row) => string];

const COLUMNS: readonly Column[] = [
  ["abuser", -16, ({ name }) => name],
  ["lanes", 6, ({ lanes }) => count(lanes)],
  ["records/s", 9, ({ perSecond }) => count(perSecond)],
  ...effectColumns("p50"),
  ...effectColumns("p99"),
  ["cost MiB", 8, ({ rounds }) => mebibytes(median(rounds.map(({ cost }) => cost)))],
  ["at most", 8, ({ rounds }) => mebibytes(costAtMost(rounds))],
  ["bound", 8, ({ bound, lanes }) => mebibytes(boundBytes(bound, lanes))],
  ["KiB/lane", 8, ({ rounds, lanes }) => (costAtMost(rounds) / lanes / 1_024).toFixed(1)],
  ["lost", 5, ({ others }) => count(others.lost)],
  ["goal", 5, ({ rounds }) => meetsGoal(rounds) ? "met" : "not"],
];

export const HEADING = line(([title]) => title);

export function rowLines(row: Row): string[] {
  const { does, got, rounds, others, bound, lanes } = row;
  const { acknowledged, refused, unanswered, doubled } = others;
  const what = Object.entries(got).map(([what, times]) => `${what}: ${count(times)}`).join(", ");
  const failed = refused + unanswered + doubled;
  return [
    line(([, , cell]) => cell(row)),
    `    ${does}`,
    `    got ${what === "" ? "nothing" : what}`,
    `    may cost ${boundText(bound, lanes)}`,
    `    afterwards, MiB: heap ${after(rounds, "heap")}; RSS ${after(rounds, "rss")}`,
    ...failed > 0
      ? [
        `    of the others' publishes ${count(acknowledged)} were acknowledged, ` +
        `${count(refused)} refused, ${count(unanswered)} not answered; ` +
        `${count(doubled)} records came again`,
      ]
      : [],
  ];
}

/** Whether what others did came through whole, and its memory was within its bound and came back. */
export function isWell({ rounds, others, bound, lanes }: Row): boolean {
  const { refused, unanswered, lost, doubled } = others;
  const isBounded = costAtMost(rounds) <= boundBytes(bound, lanes);
  return refused + unanswered + lost + doubled === 0 && isBounded && !memoryRises(rounds);
}

function effectColumns(quantile: Quantile): Column[] {
  const cell = (show: (effect: Effect) => string) => ({ rounds }: Row) =>
    show(effectOn(quantile, rounds));
  return [
    [`${quantile} ms`, 8, cell((effect) => effect.without.toFixed(2))],
    [
      "spread",
      7,
      (row) => row.rounds.length < 2 ? "-" : percent(effectOn(quantile, row.rounds).spread),
    ],
    ["with", 8, cell((effect) => effect.with.toFixed(2))],
    ["change", 7, cell(({ ratio }) => signed(ratio - 1))],
  ];
}

/** Within the goal, or no further than windows without it are from each other. */
function meetsGoal(rounds: readonly Round[]): boolean {
  return (["p50", "p99"] as const).every((quantile) => {
    const { ratio, spread } = effectOn(quantile, rounds);
    return ratio <= Math.max(GOAL, 1 + spread);
  });
}

function costAtMost(rounds: readonly Round[]): number {
  return Math.max(...rounds.map(({ cost }) => cost));
}

function after(rounds: readonly Round[], kind: "heap" | "rss"): string {
  const all = rounds.map(({ after }) => after[kind]);
  return `${all.map(mebibytes).join(" ")}${rises(all) ? ", which rises" : ""}`;
}

function line(text: (column: Column) => string): string {
  return COLUMNS.map((column) => {
    const [, width] = column;
    return width < 0 ? text(column).padEnd(-width) : text(column).padStart(width);
  }).join("  ");
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? "" : "+"}${percent(share)}`;
}
