/**
 * Each log's next offset is a register, which must be linearizable: an append reads it and raises
 * it, a `tail` reads it, and each does so at one moment between its request and the first sign that
 * it had happened. The register only ever rises and the places of the records are known, so there
 * is one possible order, and no search: no operation may end before one begins that is before it in
 * that order. An append that nobody knows of needs no place: if it happened its records are in the
 * log.
 *
 * The variant with fencing tokens is `nonmonotonic-send`: a producer's epoch is its token.
 */

import type { Report } from "./finding.ts";
import type { Event } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import {
  earliestStored,
  mayBeDoubled,
  NEVER,
  type Operation,
  type Operations,
} from "./operations.ts";
import { type Entry, type Logs, type PartitionLog, placeOf } from "./partition_log.ts";

export interface RegistersToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly report: Report;
}

/** A read of the register. */
interface Tail {
  readonly operation: Operation;
  readonly next: number;
}

/** Returns the sendings that are in a wrong order. */
export function checkRegisters(given: RegistersToCheck): ReadonlySet<number> {
  const disordered = new Set<number>();
  const tails = tailsOf(given);
  for (const log of given.logs.all) {
    const sweep = new Sweep(given, log, disordered);
    const reads = (tails.get(log) ?? []).sort((a, b) => a.next - b.next);
    let read = 0;
    for (const entry of log.sorted) {
      while ((reads[read]?.next ?? Infinity) <= entry.offset) read = sweep.read(reads, read, entry);
      sweep.append(entry);
    }
    while (read < reads.length) read = sweep.read(reads, read, undefined);
  }
  return disordered;
}

/** The reads of each log's register. */
function tailsOf({ operations, incarnations, logs }: RegistersToCheck): Map<PartitionLog, Tail[]> {
  const tails = new Map<PartitionLog, Tail[]>();
  for (const operation of operations.all.values()) {
    const { asked, begun, ended, ok } = operation;
    if (asked.f !== "tail" || !ok?.tails) continue;
    const incarnation = incarnations.during(asked.topic, begun, ended);
    if (incarnation === undefined) continue;
    for (const [partition, next] of ok.tails) {
      const log = logs.get(asked.topic, incarnation, partition);
      const known = tails.get(log);
      if (known) known.push({ operation, next });
      else tails.set(log, [{ operation, next }]);
    }
  }
  return tails;
}

/** Goes through the operations of one register in their order. */
class Sweep {
  readonly #given: RegistersToCheck;
  readonly #log: PartitionLog;
  readonly #disordered: Set<number>;
  /** The one that was requested last, and when. */
  #latest: Entry | Tail | undefined;
  #begun = -1;
  #before: Entry | undefined;

  constructor(given: RegistersToCheck, log: PartitionLog, disordered: Set<number>) {
    this.#given = given;
    this.#log = log;
    this.#disordered = disordered;
  }

  append(entry: Entry): void {
    if (entry.shown < this.#begun) this.#disorder(entry, entry.shown);
    const begun = entry.origin ? earliestStored(entry.origin.part.sending) : -1;
    if (begun !== NEVER) this.#request(entry, begun);
    this.#before = entry;
  }

  /**
   * All reads of one offset, which are in no order; `entry` is the record there. Returns where the
   * next ones begin.
   */
  read(reads: readonly Tail[], from: number, entry: Entry | undefined): number {
    const next = reads[from]?.next;
    let to = from;
    for (let tail = reads[to]; tail && tail.next === next; tail = reads[++to]) {
      const { ended } = tail.operation;
      if (ended < this.#begun) this.#disorder(tail, ended);
      this.#checkWhole(tail, entry);
    }
    for (const tail of reads.slice(from, to)) this.#request(tail, tail.operation.begun);
    return to;
  }

  #request(what: Entry | Tail, begun: number): void {
    if (begun <= this.#begun) return;
    this.#latest = what;
    this.#begun = begun;
  }

  #disorder(known: Entry | Tail, index: number): void {
    const latest = this.#latest;
    if (!latest) return;
    for (const one of [known, latest]) {
      if ("origin" in one && one.origin) this.#disordered.add(one.origin.part.sending.number);
    }
    const isAppends = "offset" in known && "offset" in latest;
    const at = this.#given.events[Math.max(index, this.#begun)]?.at ?? 0;
    const text = `${this.#known(known)} before ${this.#requested(latest)}`;
    this.#given.report(isAppends ? "realtime-order" : "linearizable-register", at, text);
    if (isAppends && latest.offset === 0 && latest.acked >= 0) {
      this.#given.report("spurious-zero-offset", at, text);
    }
  }

  /** A publish is stored at once, and nobody reads beyond the end. */
  #checkWhole({ operation, next }: Tail, entry: Entry | undefined): void {
    const { report } = this.#given;
    const { final, name } = this.#log;
    const { endedAt } = operation;
    const part = entry?.origin?.part;
    if (part && part === this.#before?.origin?.part && !mayBeDoubled(part.sending)) {
      const text = `A read found that ${name} ends at ${next}, between ${this.#before.value} and ` +
        `${entry.value}, which were published as one`;
      report("linearizable-register", endedAt, text);
    }
    if (!final || next <= final.next || endedAt > final.at) return;
    const text = `A read found that ${name} ends at ${next}, and it ends at ${final.next}`;
    report("linearizable-register", endedAt, text);
  }

  #known(what: Entry | Tail): string {
    return "offset" in what
      ? `${what.value} was known to be at ${placeOf(what)}`
      : `A read found that ${this.#log.name} ends at ${what.next}`;
  }

  #requested(what: Entry | Tail): string {
    return "offset" in what
      ? `${what.value}, which is at ${placeOf(what)}, was published`
      : `a read began that found that ${this.#log.name} ends at ${what.next}`;
  }
}
