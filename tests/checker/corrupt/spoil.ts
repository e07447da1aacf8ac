/** What corruptions have in common: finding a place, and putting something else there. */

import type { Chance } from "../../support/chance.ts";
import type { Event, Told } from "../history.ts";

/** An event and where it stands. */
export interface At<E> {
  readonly event: E;
  readonly index: number;
}

export type Poll = Told<"poll">;
export type Log = Told<"log">;
export type SendOk = Event & { type: "ok" } & {
  places: NonNullable<(Event & { type: "ok" })["places"]>;
};

/** All events that a test holds of, with their places. */
export function all<E extends Event>(
  events: readonly Event[],
  is: (event: Event) => event is E,
): At<E>[] {
  return events.flatMap((event, index) => is(event) ? [{ event, index }] : []);
}

export function told<F extends Told<"poll" | "log" | "assign" | "revoke" | "subscribe">["f"]>(
  f: F,
): (event: Event) => event is Told<F> & Event {
  return (event): event is Told<F> & Event => event.type === "told" && event.f === f;
}

export function isAcknowledged(event: Event): event is SendOk {
  return event.type === "ok" && event.places !== undefined;
}

/** One of them, if there are any. */
export function pick<T>(items: readonly T[], chance: Chance): T | undefined {
  return items.length === 0 ? undefined : chance.pick(items);
}

/** The history with other events in place of one. */
export function replaced(events: readonly Event[], index: number, ...by: Event[]): Event[] {
  return [...events.slice(0, index), ...by, ...events.slice(index + 1)];
}

/** The history with further events behind one; they happen at the same moment. */
export function inserted(events: readonly Event[], index: number, ...more: Event[]): Event[] {
  return [...events.slice(0, index + 1), ...more, ...events.slice(index + 1)];
}

/** Those that some reader gets who is to get all. */
export function pollsOf(events: readonly Event[], least: number): At<Poll & Event>[] {
  const filtered = new Set(
    all(events, told("subscribe")).flatMap(({ event }) => event.filtered ? [event.reader] : []),
  );
  return all(events, told("poll")).filter(({ event }) =>
    event.records.length >= least && !filtered.has(event.reader)
  );
}

/** Where a log ends in the end. */
export function endOf(events: readonly Event[], topic: string, partition: number): number {
  const log = all(events, told("log")).find(({ event }) =>
    event.topic === topic && event.partition === partition
  );
  return log?.event.next ?? 0;
}

/** An operation's number that nothing has. */
export function freeOp(events: readonly Event[]): number {
  let highest = 0;
  for (const event of events) if ("op" in event) highest = Math.max(highest, event.op);
  return highest + 1;
}

/** Value → the log in the end that holds it, and where. */
export function stored(events: readonly Event[]): Map<string, { log: At<Log>; offset: number }> {
  const places = new Map<string, { log: At<Log>; offset: number }>();
  for (const log of all(events, told("log"))) {
    for (const [offset, value] of log.event.records) places.set(value, { log, offset });
  }
  return places;
}

/** Value → how many operations sent it. */
export function tries(events: readonly Event[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "invoke" || event.f !== "send") continue;
    for (const { values } of event.sends) {
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  return counts;
}

/** What an operation sent. */
export function sentBy(events: readonly Event[], op: number): readonly string[] {
  for (const event of events) {
    if (event.type === "invoke" && event.f === "send" && event.op === op) {
      return event.sends.flatMap(({ values }) => values);
    }
  }
  return [];
}
