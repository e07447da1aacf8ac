/** What a run prints: a row for each disturbance, then what all of it came to. */

import type { Row } from "./figures.ts";
import type { Standstill } from "./publishing.ts";
import type { Outcome } from "./storm.ts";

type Column = readonly [title: string, width: number, cell: (row: Row) => string];

const COLUMNS: readonly Column[] = [
  ["signal", 7, ({ deed }) => deed],
  ["gateways", 17, ({ ports }) => ports.join(" ")],
  ["clients", 7, ({ clients }) => count(clients)],
  ["50 % back", 9, ({ back }) => seconds(back.half)],
  ["99 % back", 9, ({ back }) => seconds(back.most)],
  ["100 % back", 10, ({ back }) => seconds(back.all)],
  ["away p99", 8, ({ away }) => seconds(away)],
  ["connections", 11, ({ connections }) => count(connections)],
  ["most/s", 6, ({ perSecond }) => count(perSecond.all)],
  ["at one", 6, ({ perSecond }) => count(perSecond.one)],
  ["gap p99", 8, ({ waited }) => seconds(waited)],
  ["stood still", 11, ({ standstill }) => seconds(standstill.one)],
  ["all of it", 9, ({ standstill }) => seconds(standstill.all)],
];

export const HEADING = COLUMNS.map(([title, width]) => title.padStart(width)).join("  ");

export function rowLine(row: Row): string {
  return COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join("  ");
}

export function totalLines(outcome: Outcome): string[] {
  const { clients, restarts, ended, rows, totals, publishing, lost } = outcome;
  const { deliveries, again, turnedAway, waited, connections, perSecond } = totals;
  const longest = (which: keyof Standstill) =>
    Math.max(...rows.map(({ standstill }) => standstill[which]));
  return [
    `published: ${count(publishing.acknowledged)} acknowledged, ${publishing.refused} refused, ` +
    `${publishing.unanswered} unanswered; ` +
    `stood still for ${seconds(longest("one"))} at most with one producer, ` +
    `for ${seconds(longest("all"))} with all`,
    `delivered: ${count(deliveries)}, 50 % within ${seconds(waited.half)} of their publish, ` +
    `99 % within ${seconds(waited.most)}, all within ${seconds(waited.all)}`,
    `connections: ${count(connections)}, ${count(perSecond.all)} in one second at most, ` +
    `${count(perSecond.one)} at one gateway`,
    ...[...turnedAway].map(([reason, clients]) => `turned away for good: ${clients}, by ${reason}`),
    ...ended > 0 ? [`gateways that ended by themselves: ${ended}`] : [],
    `storm: ${clients} clients, ${restarts} restarts, lost ${lost}, doubled ${again}`,
  ];
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "-" : `${(ms / 1_000).toFixed(2)} s`;
}
