/**
 * What is known to be before what among sendings, as edges of a graph: by their places in the logs,
 * by what a transaction had read, and by time. To be later than many takes one edge, by way of
 * further nodes that stand for moments; they have the numbers behind those of the sendings.
 */

import type { Event } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Logs } from "./partition_log.ts";
import {
  earliestStored,
  isSend,
  mayBeDoubled,
  NEVER,
  type Operation,
  type Operations,
  type Sending,
} from "./operations.ts";

export interface Ordered {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
}

/** Flat pairs `from, to` of numbers: there may be millions. */
export type Edges = readonly number[];

/** Gives each moment a number. */
export class Moments {
  /** How many nodes there are, those of the sendings included. */
  count: number;

  constructor(sendings: number) {
    this.count = sendings;
  }
}

/** Moments in a row, each behind what was known by then, and before what began afterwards. */
class Chain {
  readonly edges: number[];
  readonly #moments: Moments;
  #last = -1;
  /** Something began at the last moment, so that it can be behind nothing more. */
  #isOver = true;

  constructor(moments: Moments, edges: number[]) {
    this.#moments = moments;
    this.edges = edges;
  }

  knows(node: number): void {
    if (this.#isOver) {
      const moment = this.#moments.count++;
      if (this.#last >= 0) this.edges.push(this.#last, moment);
      this.#last = moment;
      this.#isOver = false;
    }
    this.edges.push(node, this.#last);
  }

  begins(node: number): void {
    if (this.#last < 0) return;
    this.edges.push(this.#last, node);
    this.#isOver = true;
  }
}

/**
 * Whatever begins when a sending was known to be stored is behind it. It is known from its
 * acknowledgement; with `reads` also from the first that anybody read of it.
 */
export function realtime(
  { events, operations: { sendings }, incarnations }: Ordered,
  moments: Moments,
  reads: boolean,
): Edges {
  /** For each event, the sending that begins, and the first of those that are known by then. */
  const begins = new Int32Array(events.length).fill(-1);
  const known = new Int32Array(events.length).fill(-1);
  const others = new Int32Array(sendings.length).fill(-1);
  for (const sending of sendings) {
    const { number } = sending;
    const begun = begunOf(sending, incarnations);
    if (begun === undefined) continue;
    begins[begun] = number;
    const index = reads ? shownOf(sending) : ackedOf(sending);
    if (index === NEVER) continue;
    others[number] = known[index] ?? -1;
    known[index] = number;
  }
  const chain = new Chain(moments, []);
  for (let index = 0; index < events.length; index++) {
    const node = begins[index] ?? -1;
    if (node >= 0) chain.begins(node);
    for (let one = known[index] ?? -1; one >= 0; one = others[one] ?? -1) chain.knows(one);
  }
  return chain.edges;
}

/** The same within each process: it was told itself, of its own sending or, with `reads`, of any. */
export function withinProcesses(
  { events, operations, incarnations }: Ordered,
  moments: Moments,
  reads: boolean,
): Edges {
  const { sendings, origins } = operations;
  const edges: number[] = [];
  const chains = new Map<string, Chain>();
  for (const { tries } of sendings) {
    for (const { process } of tries) {
      if (!chains.has(process)) chains.set(process, new Chain(moments, edges));
    }
  }
  for (const [index, event] of events.entries()) {
    if (event.type === "invoke" || event.type === "ok") {
      const operation = operations.all.get(event.op);
      const sending = sendingOf(operations, operation);
      const chain = chains.get(operation?.process ?? "");
      const begun = sending && begunOf(sending, incarnations);
      if (!sending || !chain || begun === undefined) continue;
      if (event.type === "ok") chain.knows(sending.number);
      else if (begun === index) chain.begins(sending.number);
    } else if (reads && event.type === "told" && event.f === "poll") {
      // What is before this in the log is before it in the graph.
      const sending = origins.get(event.records.at(-1)?.[1] ?? "")?.part.sending;
      if (sending && begunOf(sending, incarnations) !== undefined) {
        chains.get(event.process)?.knows(sending.number);
      }
    }
  }
  return edges;
}

/** Whether its records may be those of several tries, which are not stored at once. */
function mayBeSeveral(sending: Sending, incarnations: Incarnations): boolean {
  return mayBeDoubled(sending) ||
    sending.tries.length > 1 && sending.parts.some(({ topic }) => incarnations.wasDeleted(topic));
}

/** When it was first requested; undefined if it is not stored, or it is not clear as which. */
function begunOf(sending: Sending, incarnations: Incarnations): number | undefined {
  if (mayBeSeveral(sending, incarnations)) return undefined;
  let isStored = false;
  for (const { origins } of sending.parts) {
    for (const { entry, others } of origins) {
      if (others) return undefined;
      if (entry) isStored = true;
    }
  }
  const begun = earliestStored(sending);
  return isStored && begun !== NEVER ? begun : undefined;
}

function ackedOf({ tries }: Sending): number {
  let first = NEVER;
  for (const { ok, ended } of tries) if (ok && ended < first) first = ended;
  return first;
}

function shownOf(sending: Sending): number {
  let first = ackedOf(sending);
  for (const { origins } of sending.parts) {
    for (const { entry } of origins) if (entry && entry.shown < first) first = entry.shown;
  }
  return first;
}

/** The edges between neighbours in each log, and whether any write is in several logs. */
export function writesOf(
  { operations, incarnations, logs }: Ordered,
): { edges: Edges; crossing: boolean } {
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
      if (!origin || origin.entry !== entry) continue;
      if (mayBeSeveral(origin.part.sending, incarnations)) continue;
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
export function readsOf({ events, operations }: Ordered): Edges {
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
      // Unless it was already carried out.
      const node = operation?.ok?.duplicate ? undefined : sendingOf(operations, operation)?.number;
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

/** What an operation sent, unless it was refused. */
function sendingOf(operations: Operations, operation: Operation | undefined): Sending | undefined {
  if (!operation || !isSend(operation) || operation.outcome === "fail") return undefined;
  return operations.origins.get(operation.asked.sends[0]?.values[0] ?? "")?.part.sending;
}
