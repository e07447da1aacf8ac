/**
 * Finds cycles in the order of writes. A transaction, or a publish to several partitions, is
 * atomic: if it is before another in one log, it is before it everywhere (else `G0`), and it is
 * after everything that its member had read when it committed it (else `G1c`).
 */

import type { Report } from "./finding.ts";
import { componentsOf, Graph, pathWithin, type Rows } from "./graph.ts";
import type { Event } from "./history.ts";
import type { Logs } from "./partition_log.ts";
import {
  firstValue,
  isSend,
  mayBeDoubled,
  type Operation,
  type Operations,
  type Sending,
} from "./operations.ts";

export interface OrdersToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly logs: Logs;
  readonly report: Report;
}

/** Flat pairs `from, to` of numbers: there may be millions. */
type Edges = readonly number[];

export function checkCycles(given: OrdersToCheck): void {
  const reads = readsOf(given);
  const { edges: writes, crossing } = writesOf(given);
  // If every write is in a single log, there is only one order.
  if (reads.length === 0 && !crossing) return;
  const graph = new Graph(given.operations.sendings.length);
  graph.add(writes);
  const cyclic = report(given, "G0", graph.rows(), writes, new Set());
  graph.add(reads);
  report(given, "G1c", graph.rows(), reads, cyclic);
}

/** One finding for each component that contains such an edge; nodes of other edges are skipped. */
function report(
  { operations, report }: OrdersToCheck,
  kind: "G0" | "G1c",
  rows: Rows,
  edges: Edges,
  known: ReadonlySet<number>,
): Set<number> {
  const component = componentsOf(rows);
  const reported = new Set<number>();
  const nodes = new Set<number>();
  for (let i = 0; i < edges.length; i += 2) {
    const [from = 0, to = 0] = [edges[i], edges[i + 1]];
    const number = component[from];
    if (from === to || number === undefined || number !== component[to]) continue;
    nodes.add(from).add(to);
    if (reported.has(number) || known.has(from)) continue;
    reported.add(number);
    const cycle = [...pathWithin(rows, component, to, from), to];
    const names = cycle.map((node) => nameOf(operations.sendings[node]));
    const why = kind === "G0" ? "by their places" : "by their places and by what they had read";
    const at = operations.sendings[from]?.tries[0]?.asked.at ?? 0;
    report(kind, at, `Each of these is before the next one ${why}: ${names.join(", ")}`);
  }
  return nodes;
}

function nameOf(sending: Sending | undefined): string {
  return sending ? firstValue(sending) : "nothing";
}

/** The edges between neighbours in each log, and whether any write is in several logs. */
function writesOf({ operations, logs }: OrdersToCheck): { edges: Edges; crossing: boolean } {
  const edges: number[] = [];
  let crossing = false;
  const lastLog = new Int32Array(operations.sendings.length).fill(-1);
  let number = 0;
  for (const log of logs.all) {
    number++;
    const seen = new Set<number>();
    let before = -1;
    for (const entry of log.sorted) {
      const { origin } = entry;
      // Further copies are findings of their own, and so are interleaved records.
      if (!origin || origin.entry !== entry || mayBeDoubled(origin.part.sending)) continue;
      const node = origin.part.sending.number;
      if (node === before || seen.has(node)) continue;
      seen.add(node);
      if (lastLog[node] !== -1) crossing = true;
      lastLog[node] = number;
      if (before >= 0) edges.push(before, node);
      before = node;
    }
  }
  return { edges, crossing };
}

/** Edges from the writes whose records a member had read to the transaction that committed them. */
function readsOf({ events, operations }: OrdersToCheck): Edges {
  const committing = new Set<string>();
  for (const operation of operations.all.values()) {
    if (isSend(operation) && operation.asked.commit) committing.add(operation.asked.commit.member);
  }
  if (committing.size === 0) return [];
  const edges: number[] = [];
  const read = new Map<string, { offset: number; node: number }[]>();
  for (const event of events) {
    if (event.type === "told" && event.f === "poll" && committing.has(event.reader)) {
      const name = `${event.reader}\n${event.topic}/${event.partition}`;
      const list = read.get(name) ?? [];
      read.set(name, list);
      for (const [offset, value] of event.records) {
        const node = operations.origins.get(value)?.part.sending.number;
        if (node !== undefined) list.push({ offset, node });
      }
    } else if (event.type === "invoke" && event.f === "send" && event.commit) {
      const operation = operations.all.get(event.op);
      const node = nodeOf(operations, operation);
      if (node === undefined) continue;
      for (const [topic, partition, next] of event.commit.offsets) {
        const name = `${event.commit.member}\n${topic}/${partition}`;
        const list = read.get(name) ?? [];
        for (const { offset, node: writer } of list) if (offset < next) edges.push(writer, node);
        read.set(name, list.filter(({ offset }) => offset >= next));
      }
    }
  }
  return edges;
}

/** The node of a send, unless it was refused or already carried out. */
function nodeOf(operations: Operations, operation: Operation | undefined): number | undefined {
  if (!operation || !isSend(operation)) return undefined;
  if (operation.outcome === "fail" || operation.ok?.duplicate) return undefined;
  const value = operation.asked.sends[0]?.values[0];
  return value === undefined ? undefined : operations.origins.get(value)?.part.sending.number;
}
