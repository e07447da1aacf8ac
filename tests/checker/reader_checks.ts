/** Checks of what readers got, of topics by themselves and as members of groups. */

import type { Report } from "./finding.ts";
import type { Event, Told } from "./history.ts";
import type { Incarnations } from "./incarnations.ts";
import type { Operations } from "./operations.ts";
import type { Logs } from "./partition_log.ts";
import { Coverage, type Cursor, giveUp, highestOf, saidOf } from "./reading.ts";

export interface ReadsToCheck {
  readonly events: readonly Event[];
  readonly operations: Operations;
  readonly incarnations: Incarnations;
  readonly logs: Logs;
  /** Groups of which every record must have reached some member. */
  readonly groups: readonly string[];
  readonly healed: boolean;
  readonly report: Report;
}

export function checkReads(given: ReadsToCheck): void {
  const readers = new Readers(given);
  for (const event of given.events) {
    if (event.type === "told") readers.told(event);
    else if (event.type === "invoke" && event.f === "reset") {
      if (given.operations.all.get(event.op)?.outcome === "fail") continue;
      readers.reset(event.group, event.offsets);
    }
  }
  if (given.healed) readers.checkUnseen();
}

class Readers {
  readonly #given: ReadsToCheck;
  /** For each reader and partition, its cursor. */
  readonly #cursors = new Map<string, Cursor>();
  /** For each reader, the names of its cursors. */
  readonly #following = new Map<string, Set<string>>();
  /** For each group, partition and incarnation, what its members got together. */
  readonly #shared = new Map<string, Shared>();
  /** Cursors of topics that were created again since. */
  readonly #former: Cursor[] = [];

  constructor(given: ReadsToCheck) {
    this.#given = given;
  }

  told(event: Event & { type: "told" }): void {
    switch (event.f) {
      case "subscribe":
        return this.#subscribe(event);
      case "unsubscribe":
        return this.#unsubscribe(event);
      case "poll":
        return this.#poll(event);
      case "gap":
        return this.#gap(event);
      case "assign":
        return this.#assign(event);
      case "revoke":
      case "release":
        for (const [topic, partition] of event.partitions) {
          const cursor = this.#find(event.member, topic, partition);
          if (cursor) giveUp(cursor, event);
        }
        return;
      case "left":
        for (const name of this.#following.get(event.member) ?? []) {
          const cursor = this.#cursors.get(name);
          if (cursor?.group === event.group) cursor.over = "left";
        }
        return;
    }
  }

  /** What an operator skips need not be delivered. */
  reset(group: string, offsets: readonly (readonly [string, number, number])[]): void {
    for (const [topic, partition, offset] of offsets) {
      for (const shared of this.#shared.values()) {
        if (shared.group !== group || shared.topic !== topic) continue;
        if (shared.partition === partition) shared.coverage.add(0, offset);
      }
    }
  }

  checkUnseen(): void {
    const at = this.#given.events.at(-1)?.at ?? 0;
    for (const cursor of [...this.#cursors.values(), ...this.#former]) {
      if (cursor.group !== undefined || cursor.filtered || cursor.over) continue;
      this.#missing(cursor, cursor.coverage, cursor.reader, at);
    }
    for (const shared of this.#shared.values()) {
      if (!this.#given.groups.includes(shared.group)) continue;
      this.#missing(shared, shared.coverage, `the group ${shared.group}`, at);
    }
  }

  #missing(
    { topic, incarnation, partition }: Pick<Cursor, "topic" | "incarnation" | "partition">,
    coverage: Coverage,
    who: string,
    at: number,
  ): void {
    if (incarnation === undefined) return;
    const log = this.#given.logs.find(topic, incarnation, partition);
    if (!log?.final) return;
    for (const [from, to] of coverage.missing(log.final.start, log.final.next)) {
      const value = log.at(from)?.value;
      const what = to === from + 1
        ? `${log.name}/${from} (${value})`
        : `${log.name}/${from} (${value}) to ${to - 1}`;
      this.#given.report("unseen", at, `${who} never got ${what}`);
    }
  }

  #subscribe(event: Told<"subscribe">): void {
    const { reader, topic, positions, recovered, filtered = false, at } = event;
    const incarnation = this.#given.incarnations.named(topic, event.incarnation);
    for (const [partition, offset] of positions) {
      const name = nameOf(reader, topic, partition);
      const before = this.#cursors.get(name);
      const place = `${topic}/${partition}`;
      if (before && before.incarnation !== incarnation) {
        if (recovered && before.incarnation !== undefined && incarnation !== undefined) {
          const text = `${reader} was told that it goes on in ${place}, from ` +
            `${before.incarnation} to ${incarnation}`;
          this.#given.report("incarnation-reuse", at, text);
        }
        this.#forget(name, before);
      } else if (before && recovered && offset > before.expected && !before.filtered) {
        const text =
          `${reader} was told that it missed nothing, and goes on at ${place}/${offset}, ` +
          `not ${before.expected}`;
        this.#given.report("poll-skip", at, text);
      }
      const cursor = this.#cursors.get(name);
      if (cursor) {
        this.#jump(cursor, offset, recovered);
        cursor.expected = offset;
        cursor.filtered = filtered;
        if (cursor.group === undefined) cursor.over = undefined;
      } else {
        this.#add(name, { reader, topic, incarnation, partition, expected: offset, filtered });
      }
    }
  }

  /**
   * A reader that asks to begin further on wants nothing before; otherwise the log must have lost
   * it.
   */
  #jump(cursor: Cursor, offset: number, recovered: boolean | undefined): void {
    if (offset <= cursor.expected || recovered) return;
    const { topic, incarnation = "", partition } = cursor;
    const start = this.#given.logs.find(topic, incarnation, partition)?.final?.start ?? 0;
    const to = recovered === undefined ? offset : Math.min(offset, start);
    if (to > cursor.expected) this.#cover(cursor, cursor.expected, to);
  }

  #unsubscribe({ reader, topic }: Told<"unsubscribe">): void {
    for (const name of this.#following.get(reader) ?? []) {
      const cursor = this.#cursors.get(name);
      if (cursor?.topic === topic) cursor.over = "left";
    }
  }

  #assign({ group, member, partitions }: Told<"assign">): void {
    for (const [topic, partition, offset, named] of partitions) {
      const incarnation = this.#given.incarnations.named(topic, named);
      const name = nameOf(member, topic, partition);
      const before = this.#cursors.get(name);
      if (before) this.#forget(name, before);
      const at = { reader: member, topic, incarnation, partition };
      this.#add(name, { ...at, expected: offset, filtered: false, group });
      const share = `${group}\n${topic}/${partition}\n${incarnation}`;
      if (this.#shared.has(share)) continue;
      const coverage = new Coverage(offset);
      this.#shared.set(share, { group, topic, incarnation, partition, coverage });
    }
  }

  #poll(event: Told<"poll">): void {
    const { reader, topic, partition, records, at } = event;
    const cursor = this.#find(reader, topic, partition);
    const place = `${topic}/${partition}`;
    const first = records[0]?.[0] ?? event.next;
    if (first === undefined) return;
    if (!cursor) {
      const text = `${reader} got ${place}/${first}, and never began to read ${place}`;
      return this.#given.report("delivery-after-revoke", at, text);
    }
    if (cursor.over) {
      const text = `${reader} got ${place}/${first} after it ${saidOf(cursor)} ${place}`;
      return this.#given.report("delivery-after-revoke", at, text);
    }
    if (event.kept) return this.#deliver(cursor, event);
    if (first > cursor.expected && !cursor.filtered) {
      this.#given.report(
        "poll-skip",
        at,
        `${reader} got ${place}/${first}, not ${cursor.expected}`,
      );
    } else if (first < cursor.expected) {
      const text = `${reader} got ${place}/${first} again, after ${cursor.expected - 1}`;
      this.#given.report("nonmonotonic-poll", at, text);
    }
    this.#within(cursor, event);
    this.#deliver(cursor, event);
    this.#goOn(cursor, event);
  }

  /** Order and gaps within one delivery. */
  #within({ filtered }: Cursor, { reader, topic, partition, records, at }: Told<"poll">): void {
    let before: number | undefined;
    for (const [offset] of records) {
      if (before !== undefined && offset !== before + 1 && !(filtered && offset > before)) {
        const kind = offset > before ? "int-poll-skip" : "int-nonmonotonic-poll";
        const text = `${reader} got ${topic}/${partition}/${offset} right behind ${before}`;
        this.#given.report(kind, at, text);
      }
      before = offset;
    }
  }

  #goOn(cursor: Cursor, { reader, topic, partition, records, next, at }: Told<"poll">): void {
    const last = highestOf(records);
    const follows = last === undefined ? cursor.expected : last + 1;
    const goesOn = next ?? follows;
    const place = `${topic}/${partition}`;
    if (goesOn < follows) {
      const text = `${reader} got ${place} up to ${follows - 1}, and was told ${goesOn} follows`;
      this.#given.report("nonmonotonic-poll", at, text);
    } else if (goesOn > follows && !cursor.filtered && last !== undefined) {
      const text = `${reader} got ${place} up to ${follows - 1}, and was told ${goesOn} follows`;
      this.#given.report("poll-skip", at, text);
    }
    cursor.expected = goesOn;
  }

  #deliver(cursor: Cursor, { records }: Told<"poll">): void {
    let from: number | undefined;
    let to = 0;
    for (const [offset] of records) {
      if (from === undefined) from = offset;
      else if (offset !== to) {
        this.#cover(cursor, from, to);
        from = offset;
      }
      to = offset + 1;
    }
    if (from !== undefined) this.#cover(cursor, from, to);
  }

  #gap({ reader, topic, partition, from, to, reason, at }: Told<"gap">): void {
    const cursor = this.#find(reader, topic, partition);
    if (!cursor || cursor.over) return;
    const place = `${topic}/${partition}`;
    if (from > cursor.expected && !cursor.filtered) {
      const text = `${reader} was told of a gap from ${place}/${from} on, and stood at ` +
        `${cursor.expected}`;
      this.#given.report("poll-skip", at, text);
    }
    const final = this.#given.logs.find(topic, cursor.incarnation ?? "", partition)?.final;
    if (reason === "trimmed" && final && to > final.start) {
      const text = `${reader} was told that ${place} was trimmed up to ${to}, and it begins at ` +
        `${final.start}`;
      this.#given.report("poll-skip", at, text);
    } else {
      this.#cover(cursor, from, to);
    }
    cursor.expected = Math.max(cursor.expected, to);
  }

  #cover(cursor: Cursor, from: number, to: number): void {
    cursor.coverage.add(from, to);
    if (cursor.group === undefined) return;
    const { group, topic, partition, incarnation } = cursor;
    this.#shared.get(`${group}\n${topic}/${partition}\n${incarnation}`)?.coverage.add(from, to);
  }

  #find(reader: string, topic: string, partition: number): Cursor | undefined {
    return this.#cursors.get(nameOf(reader, topic, partition));
  }

  #add(name: string, at: Omit<Cursor, "coverage" | "over" | "group"> & { group?: string }): void {
    const coverage = new Coverage(at.expected);
    this.#cursors.set(name, { ...at, group: at.group, over: undefined, coverage });
    let names = this.#following.get(at.reader);
    if (!names) this.#following.set(at.reader, names = new Set());
    names.add(name);
  }

  #forget(name: string, cursor: Cursor): void {
    this.#cursors.delete(name);
    if (cursor.group === undefined) this.#former.push(cursor);
  }
}

interface Shared extends Pick<Cursor, "topic" | "incarnation" | "partition" | "coverage"> {
  readonly group: string;
}

function nameOf(reader: string, topic: string, partition: number): string {
  return `${reader}\n${topic}/${partition}`;
}
