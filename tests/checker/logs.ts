/**
 * What is known of each partition's log, merged from all that was told of it: the log at the end,
 * what readers got, and where publishers were told that their records are. Contradictions are
 * reported when merging; an offset then has the value of the strongest witness: the log at the end,
 * then readers, then acknowledgements.
 */

import type { Report } from "./finding.ts";
import type { Event, Told } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import { isSend, type Operations, type Part, type SendOperation } from "./operations.ts";
import { type Entry, Logs, type PartitionLog, type Witness } from "./partition_log.ts";

export interface Sources {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly report: Report;
}

/** A claim that a value is at an offset. */
interface Claim {
  readonly log: PartitionLog;
  readonly offset: number;
  readonly value: string;
  readonly index: number;
  readonly witness: Witness;
}

export function gatherLogs(sources: Sources): Logs {
  return new Gathering(sources).gather();
}

class Gathering {
  readonly #sources: Sources;
  readonly #logs = new Logs();
  /** What was reported already, so that another reader of the same does not report it again. */
  readonly #reported = new Set<string>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  gather(): Logs {
    this.#gatherFinal();
    this.#gatherPolls();
    for (const operation of this.#sources.operations.all.values()) {
      if (isSend(operation) && operation.ok?.places) this.#gatherPlaces(operation);
    }
    return this.#logs;
  }

  #gatherFinal(): void {
    for (const [index, event] of this.#sources.events.entries()) {
      if (event.type !== "told" || event.f !== "log") continue;
      const { start, next, at } = event;
      const log = this.#logs.get(event.topic, event.incarnation, event.partition);
      const before = log.final;
      if (before) this.#compare(log, event);
      log.final = { start, next, at };
      let expected = start;
      for (const [offset, value] of event.records) {
        if (offset !== expected) this.#hole(log, expected, offset, at);
        expected = offset + 1;
        this.#claim({ log, offset, value, index, witness: "log" });
      }
      if (expected !== next) this.#hole(log, expected, next, at);
    }
  }

  /** Compares the log at the end with what was known. */
  #compare(log: PartitionLog, event: Told<"log">): void {
    const { final, sorted, name } = log;
    const differs = (text: string) => this.#report("dead-read", event.at, text);
    if (!final) return;
    if (event.start < final.start) {
      differs(
        `${name} began at ${final.start} when it was read first, and at ${event.start} later`,
      );
    }
    if (event.next < final.next) {
      differs(`${name} ended at ${final.next} when it was read first, and at ${event.next} later`);
    }
    const there = new Map(event.records);
    for (const { offset, value } of sorted) {
      if (offset < event.start || offset >= event.next) continue;
      const now = there.get(offset);
      if (now !== value) {
        differs(`${name}/${offset} held ${value} when it was read first, and ${now} later`);
      }
    }
  }

  #hole(log: PartitionLog, expected: number, found: number, at: number): void {
    const { name } = log;
    this.#report(
      "offset-hole",
      at,
      `The log of ${name} goes on at ${found} where ${expected} was to be`,
    );
  }

  #gatherPolls(): void {
    const { events, incarnations } = this.#sources;
    const followed = new Map<string, string | undefined>();
    for (const [index, event] of events.entries()) {
      if (event.type !== "told") continue;
      if (event.f === "subscribe") {
        const incarnation = incarnations.named(event.topic, event.incarnation);
        followed.set(`${event.reader}\n${event.topic}`, incarnation);
      } else if (event.f === "assign") {
        for (const [topic, _, __, incarnation] of event.partitions) {
          followed.set(`${event.member}\n${topic}`, incarnations.named(topic, incarnation));
        }
      } else if (event.f === "poll") {
        const { topic, partition, records } = event;
        const name = `${event.reader}\n${topic}`;
        const incarnation = followed.has(name) ? followed.get(name) : incarnations.only(topic);
        if (incarnation === undefined) continue;
        const log = this.#logs.get(topic, incarnation, partition);
        for (const [offset, value] of records) {
          const entry = log.at(offset);
          // The common case: the record was read by others before.
          if (entry?.value === value && entry.shown <= index) continue;
          this.#claim({ log, offset, value, index, witness: "poll" });
        }
      }
    }
  }

  #gatherPlaces(operation: SendOperation): void {
    const { operations, incarnations } = this.#sources;
    const { asked: { sends }, ok, begun, ended, endedAt: at } = operation;
    for (const [number, { topic, values }] of sends.entries()) {
      const places = ok?.places?.[number] ?? [];
      if (places.length !== values.length) {
        const text =
          `${values.length} records of ${topic}, ${values[0]} first, were acknowledged ` +
          `at ${places.length} places`;
        this.#report("ack-payload-mismatch", at, text);
      }
      const origin = operations.origins.get(values[0] ?? "");
      const incarnation = incarnations.during(topic, this.#sentFirst(origin?.part, begun), ended);
      if (incarnation === undefined) continue;
      for (const [i, [partition, offset]] of places.entries()) {
        const log = this.#logs.get(topic, incarnation, partition);
        const value = values[i];
        if (value !== undefined) this.#claim({ log, offset, value, index: ended, witness: "ack" });
      }
    }
  }

  /** What is acknowledged now may have been stored by an earlier try. */
  #sentFirst(part: Part | undefined, begun: number): number {
    return Math.min(begun, part?.sending.tries[0]?.begun ?? begun);
  }

  #claim(claim: Claim): void {
    const { log, offset, value, index, witness } = claim;
    const entry = log.at(offset);
    if (entry?.value === value) {
      if (index < entry.shown) entry.shown = index;
      if (witness === "ack" && (entry.acked < 0 || index < entry.acked)) entry.acked = index;
    } else if (entry) {
      this.#disagrees(claim, entry);
    } else if (witness !== "log" && log.reaches(offset)) {
      this.#isLost(claim);
    } else {
      this.#add(claim);
    }
  }

  #add({ log, offset, value, index, witness }: Claim): void {
    const origin = this.#sources.operations.origins.get(value);
    const acked = witness === "ack" ? index : -1;
    const entry: Entry = { log, offset, value, origin, witness, shown: index, acked };
    log.add(entry);
    if (!origin) return;
    if (origin.entry) (origin.others ??= []).push(entry);
    else origin.entry = entry;
  }

  #isLost(claim: Claim): void {
    const { log, offset, value, witness } = claim;
    const { start = 0, next = 0 } = log.final ?? {};
    const seen = witness === "ack" ? "acknowledged" : "read";
    this.#once(
      "lost-write",
      claim,
      `${value} was ${seen} at ${log.name}/${offset}, and the log, from ${start} to ${next}, has ` +
        "nothing there",
    );
    if (witness === "ack") this.#zero(claim);
  }

  #disagrees(claim: Claim, entry: Entry): void {
    const { log, offset, value, witness } = claim;
    const place = `${log.name}/${offset}`;
    if (witness !== "ack") {
      const text = `${place} holds ${entry.value}, and was read as ${value}`;
      return this.#once("inconsistent-offsets", claim, text);
    }
    if (entry.witness === "ack") {
      const text = `${place} was acknowledged to ${entry.value} and to ${value}`;
      this.#once("inconsistent-offsets", claim, text);
    } else {
      const text = `${value} was acknowledged at ${place}, which holds ${entry.value}`;
      this.#once("ack-payload-mismatch", claim, text);
    }
    const origin = this.#sources.operations.origins.get(value);
    if (log.reaches(offset) && origin?.entry === undefined) {
      const text = `${value} was acknowledged at ${place}, and is nowhere in the log`;
      this.#once("lost-write", claim, text);
    }
    this.#zero(claim);
  }

  /** Detects an offset that was never set: zero, the default of a number. */
  #zero(claim: Claim): void {
    const { log, offset, value } = claim;
    if (offset !== 0 || log.highest <= 0) return;
    this.#once("spurious-zero-offset", claim, `${value} was acknowledged at ${log.name}/0`);
  }

  #once(kind: Parameters<Report>[0], { log, offset, value, index }: Claim, text: string): void {
    const key = `${kind}\n${log.name}\n${log.incarnation}\n${offset}\n${value}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    const event = this.#sources.events[index];
    this.#report(kind, event?.at ?? 0, `${text} (${event?.process})`);
  }

  #report(kind: Parameters<Report>[0], at: number, text: string): void {
    this.#sources.report(kind, at, text);
  }
}
