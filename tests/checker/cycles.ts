/**
 * Finds cycles in the order of writes. A transaction, or a publish to several partitions, is
 * atomic: if it is before another in one log, it is before it everywhere (else `G0`), and it is
 * after everything that its member had read when it committed it (else `G1c`). It is also after
 * what was known to be stored when it was first requested: if the order of places contradicts only
 * that, it is the `-process` variant if its own process knew, and `-realtime` if others did.
 */

import type { Kind, Report } from "./finding.ts";
import { componentsOf, Graph, pathWithin, type Rows } from "./graph.ts";
import { firstValue, type Sending } from "./operations.ts";
import {
  type Edges,
  Moments,
  type Ordered,
  readsOf,
  realtime,
  withinProcesses,
  writesOf,
} from "./orders.ts";

export interface OrdersToCheck extends Ordered {
  /** Sendings that are in a wrong order within one log, which is a finding already. */
  readonly disordered: ReadonlySet<number>;
  readonly report: Report;
}

/** A kind of cycle: with at least one edge of `by`, and any others of these. */
interface Variant {
  readonly kind: Kind;
  readonly by: Edges;
  readonly others: readonly Edges[];
  /** For the text: by what each is before the next. */
  readonly why: string;
}

export function checkCycles(given: OrdersToCheck): void {
  const { sendings } = given.operations;
  const reads = readsOf(given);
  const { edges: writes, crossing } = writesOf(given);
  // If every write is in a single log, there is only one order.
  if (reads.length === 0 && !crossing) return;
  const moments = new Moments(sendings.length);
  const inTime = realtime(given, moments, true);
  // What a process knew, or an acknowledgement told, follows from these: no cycle here, none there.
  if (!hasCycle(rowsOf(moments, [writes, reads, inTime]))) return;
  const ownAcks = withinProcesses(given, moments, false);
  const own = withinProcesses(given, moments, true);
  const acks = realtime(given, moments, false);
  const variants: Variant[] = [
    { kind: "G0", by: writes, others: [], why: "by their places" },
    { kind: "G1c", by: reads, others: [writes], why: "by their places and by what they had read" },
    { kind: "G0-process", by: ownAcks, others: [writes], why: "by places, or by its process" },
    {
      kind: "G1c-process",
      by: own,
      others: [writes, reads],
      why: "by places, or since its process had read it",
    },
    { kind: "G0-realtime", by: acks, others: [writes], why: "by places, or in time" },
    {
      kind: "G1c-realtime",
      by: inTime,
      others: [writes, reads],
      why: "by places, or since it had been read",
    },
  ];
  const known = new Set<number>();
  for (const variant of variants) {
    if (variant.kind === "G0-process") { for (const node of given.disordered) known.add(node); }
    report(given, variant, rowsOf(moments, [variant.by, ...variant.others]), known);
  }
}

function rowsOf({ count }: Moments, edges: readonly Edges[]): Rows {
  const graph = new Graph(count);
  for (const some of edges) graph.add(some);
  return graph.rows();
}

function hasCycle(rows: Rows): boolean {
  const seen = new Uint8Array(rows.size);
  for (const component of componentsOf(rows)) {
    if (seen[component] === 1) return true;
    seen[component] = 1;
  }
  return false;
}

/** One finding for each component that contains such an edge, unless some of it is known. */
function report(
  { operations: { sendings }, report }: OrdersToCheck,
  { kind, by, why }: Variant,
  rows: Rows,
  known: Set<number>,
): void {
  const component = componentsOf(rows);
  const reported = new Set<number>();
  for (const node of known) reported.add(component[node] ?? -1);
  const found = new Set<number>();
  for (let i = 0; i < by.length; i += 2) {
    const [from = 0, to = 0] = [by[i], by[i + 1]];
    const number = component[from];
    if (from === to || number === undefined || number !== component[to]) continue;
    if (reported.has(number)) continue;
    reported.add(number);
    found.add(number);
    const cycle = [from, ...pathWithin(rows, component, to, from)];
    const named = cycle.filter((node) => node < sendings.length);
    // It may begin at a moment: then the first one is named again, at the end.
    if (named[0] !== named.at(-1)) named.push(named[0] ?? 0);
    const names = named.map((node) => nameOf(sendings[node]));
    const at = sendings[named[0] ?? 0]?.tries[0]?.asked.at ?? 0;
    report(kind, at, `Each of these is before the next one ${why}: ${names.join(", ")}`);
  }
  for (let node = 0; node < sendings.length; node++) {
    if (found.has(component[node] ?? -1)) known.add(node);
  }
}

function nameOf(sending: Sending | undefined): string {
  return sending ? firstValue(sending) : "nothing";
}
