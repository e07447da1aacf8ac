/**
 * Figures of a history, none of which is wrong by itself: how far readers were behind, and how
 * often a group got the same record.
 */

import { Acknowledged } from "./acknowledged.ts";
import type { Event } from "./history.ts";
import { Incarnations } from "./incarnations.ts";
import { gatherLogs } from "./logs.ts";
import type { Logs, PartitionLog } from "./partition_log.ts";
import { Operations } from "./operations.ts";

export interface Figures {
  readonly events: number;
  /** The number of requests, and of deliveries to readers. */
  readonly operations: number;
  readonly records: number;
  /**
   * For each delivery to a reader, how long ago the oldest record that it had not got yet was
   * acknowledged: it was behind by at least that.
   */
  readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** For each group, how many records were delivered how often: `[times, records]`. */
  readonly deliveries: ReadonlyMap<string, readonly (readonly [times: number, records: number])[]>;
}

export function figures(events: readonly Event[]): Figures {
  const operations = new Operations(events);
  const incarnations = new Incarnations(events, operations);
  const logs = gatherLogs({ events, operations, incarnations, report: () => {} });
  let records = 0;
  for (const log of logs.all) records += log.size;
  return {
    events: events.length,
    operations: operations.all.size + events.filter(isPoll).length,
    records,
    lagMs: quantiles(lags(events, incarnations, logs)),
    deliveries: deliveries(events),
  };
}

function isPoll(event: Event): boolean {
  return event.type === "told" && event.f === "poll";
}

/** The lag of each poll, by reader and partition. */
function lags(events: readonly Event[], incarnations: Incarnations, logs: Logs): number[] {
  const acknowledged = new Map<PartitionLog, Acknowledged>();
  const found: number[] = [];
  for (const event of events) {
    if (event.type !== "told" || event.f !== "poll" || event.records.length === 0) continue;
    const incarnation = incarnations.only(event.topic);
    if (incarnation === undefined) continue;
    const log = logs.find(event.topic, incarnation, event.partition);
    if (!log) continue;
    let known = acknowledged.get(log);
    if (!known) acknowledged.set(log, known = new Acknowledged(log, events));
    const next = event.next ?? (event.records.at(-1)?.[0] ?? 0) + 1;
    found.push(Math.max(0, event.at - known.firstFrom(next)));
  }
  return found;
}

function deliveries(events: readonly Event[]): Figures["deliveries"] {
  const groupOf = new Map<string, string>();
  const counts = new Map<string, Map<string, number>>();
  for (const event of events) {
    if (event.type !== "told") continue;
    if (event.f === "assign") groupOf.set(event.member, event.group);
    if (event.f !== "poll") continue;
    const group = groupOf.get(event.reader);
    if (group === undefined) continue;
    const times = counts.get(group) ?? new Map<string, number>();
    counts.set(group, times);
    for (const [, value] of event.records) times.set(value, (times.get(value) ?? 0) + 1);
  }
  return new Map([...counts].map(([group, times]) => [group, tally(times.values())]));
}

function tally(values: Iterable<number>): [number, number][] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}

function quantiles(values: number[]): Figures["lagMs"] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
