/** Helpers of the corruptions: finding a place, and replacing what is there. */

import type { Chance } from "../../support/chance.ts";
import type { Event, Told } from "../history.ts";

/** An event and its index. */
export interface At<E> {
  readonly event: E;
  readonly index: number;
}

export type Poll = Told<"poll">;
export type Log = Told<"log">;
export type Grant = Told<"grant">;
export type SendOk = Event & { type: "ok" } & {
  places: NonNullable<(Event & { type: "ok" })["places"]>;
};

export type TailOk = Event & { type: "ok" } & {
  tails: NonNullable<(Event & { type: "ok" })["tails"]>;
};

/** All events that pass a test, with their indexes. */
export function all<E extends Event>(
  events: readonly Event[],
  is: (event: Event) => event is E,
): At<E>[] {
  return events.flatMap((event, index) => is(event) ? [{ event, index }] : []);
}

export function told<
  F extends Told<"poll" | "log" | "assign" | "revoke" | "subscribe" | "grant">["f"],
>(
  f: F,
): (event: Event) => event is Told<F> & Event {
  return (event): event is Told<F> & Event => event.type === "told" && event.f === f;
}

export function isTail(event: Event): event is TailOk {
  return event.type === "ok" && event.tails !== undefined;
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

/** The history with further events after one, at the same time. */
export function inserted(events: readonly Event[], index: number, ...more: Event[]): Event[] {
  return [...events.slice(0, index + 1), ...more, ...events.slice(index + 1)];
}

/** Polls of readers that should get everything. */
export function pollsOf(events: readonly Event[], least: number): At<Poll & Event>[] {
  const filtered = new Set(
    all(events, told("subscribe")).flatMap(({ event }) => event.filtered ? [event.reader] : []),
  );
  return all(events, told("poll")).filter(({ event }) =>
    event.records.length >= least && !filtered.has(event.reader)
  );
}

/** The end of a log at the end of the history. */
export function endOf(events: readonly Event[], topic: string, partition: number): number {
  const log = all(events, told("log")).find(({ event }) =>
    event.topic === topic && event.partition === partition
  );
  return log?.event.next ?? 0;
}

/** An unused operation number. */
export function freeOp(events: readonly Event[]): number {
  let highest = 0;
  for (const event of events) if ("op" in event) highest = Math.max(highest, event.op);
  return highest + 1;
}

/** For each value, the log at the end that has it, and its place there. */
export function stored(events: readonly Event[]): Map<string, { log: At<Log>; offset: number }> {
  const places = new Map<string, { log: At<Log>; offset: number }>();
  for (const log of all(events, told("log"))) {
    for (const [offset, value] of log.event.records) places.set(value, { log, offset });
  }
  return places;
}

/** For each value, how many operations sent it. */
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
