/**
 * Checks how late readers get records once faults are over: what comes to one was acknowledged some
 * time ago, and it lacked it until now. That is a lower bound of how far behind it was, and time
 * counts only from when it began to read, and from when the faults ended.
 */

import { Acknowledged } from "./acknowledged.ts";
import type { Report } from "./finding.ts";
import type { Event, Told } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Logs, PartitionLog } from "./partition_log.ts";

export interface LagToCheck {
  readonly events: readonly Event[];
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  readonly lagMs: number;
  readonly report: Report;
}

export function checkLag(given: LagToCheck): void {
  if (given.lagMs === Infinity) return;
  const checks = new LagChecks(given);
  for (const event of given.events) if (event.type === "told") checks.told(event);
}

class LagChecks {
  readonly #given: LagToCheck;
  readonly #acknowledged = new Map<PartitionLog, Acknowledged>();
  /** For each reader and topic, when it began or was last given a partition of it. */
  readonly #began = new Map<string, number>();
  readonly #filtered = new Set<string>();
  /** When faults ended. */
  #healedAt = Infinity;

  constructor(given: LagToCheck) {
    this.#given = given;
  }

  told(event: Event & { readonly type: "told" }): void {
    switch (event.f) {
      case "healed":
        this.#healedAt = event.at;
        return;
      case "subscribe": {
        const name = `${event.reader}\n${event.topic}`;
        this.#began.set(name, event.at);
        if (event.filtered) this.#filtered.add(name);
        else this.#filtered.delete(name);
        return;
      }
      case "assign":
        for (const [topic] of event.partitions) {
          this.#began.set(`${event.member}\n${topic}`, event.at);
        }
        return;
      case "poll":
        return this.#poll(event);
    }
  }

  #poll({ reader, topic, partition, records, kept, at }: Told<"poll">): void {
    const { incarnations, logs, lagMs, report } = this.#given;
    const [first] = records;
    const since = Math.max(this.#healedAt, this.#began.get(`${reader}\n${topic}`) ?? Infinity);
    // One that reads some keys was owed only those, and one that was slow has skipped some.
    if (!first || kept || at <= since + lagMs || this.#filtered.has(`${reader}\n${topic}`)) return;
    const incarnation = incarnations.only(topic);
    const log = incarnation === undefined ? undefined : logs.find(topic, incarnation, partition);
    if (!log) return;
    const behind = at - Math.max(since, this.#of(log).firstFrom(first[0]));
    if (behind <= lagMs) return;
    const text =
      `${reader} got ${log.name}/${first[0]} when it, or something behind it, had been ` +
      `acknowledged for ${behind.toFixed()} ms`;
    report("realtime-lag", at, text);
  }

  #of(log: PartitionLog): Acknowledged {
    let known = this.#acknowledged.get(log);
    if (!known) this.#acknowledged.set(log, known = new Acknowledged(log, this.#given.events));
    return known;
  }
}
