/**
 * The operations of a history with their outcomes, and what they published. A publish that was tried
 * several times is several operations and one `Sending`: whoever tries again sends the same values.
 */

import type { Completion, Event, Invocation, ProducerStamp } from "./history.ts";
import type { Entry } from "./logs.ts";

export type Ok = Extract<Completion, { type: "ok" }>;
export type Asked<F extends Invocation["f"]> = Extract<Invocation, { f: F }>;

export interface Operation {
  readonly process: string;
  readonly asked: Invocation;
  /** Places among the events; `Infinity` where there is no completion. */
  readonly begun: number;
  ended: number;
  readonly begunAt: number;
  endedAt: number;
  outcome: "ok" | "fail" | "info" | "open";
  ok: Ok | undefined;
}

export interface SendOperation extends Operation {
  readonly asked: Asked<"send">;
}

/** All that one operation publishes: it is stored together, or not at all. */
export interface Sending {
  /** Its place among them all. */
  readonly number: number;
  readonly tries: SendOperation[];
  readonly parts: Part[];
}

/** What it publishes to one topic at once. */
export interface Part {
  readonly sending: Sending;
  readonly topic: string;
  readonly producer: ProducerStamp | undefined;
  readonly origins: readonly Origin[];
}

/** Where a value comes from, and where it went. */
export interface Origin {
  readonly part: Part;
  readonly value: string;
  /** Where it is stored, the first place that is known. */
  entry: Entry | undefined;
  /** Other places where it is, too. */
  others: Entry[] | undefined;
}

export class Operations {
  readonly all = new Map<number, Operation>();
  readonly sendings: Sending[] = [];
  readonly origins = new Map<string, Origin>();

  constructor(events: readonly Event[]) {
    for (const [index, event] of events.entries()) {
      if (event.type === "invoke") this.#begin(event, index);
      else if (event.type === "ok" || event.type === "fail" || event.type === "info") {
        this.#end(event, index);
      }
    }
  }

  #begin(event: Event & { type: "invoke" }, index: number): void {
    if (this.all.has(event.op)) {
      throw new Error(`Event ${index + 1} begins operation ${event.op}, which was begun before`);
    }
    const operation: Operation = {
      process: event.process,
      asked: event,
      begun: index,
      ended: Infinity,
      begunAt: event.at,
      endedAt: Infinity,
      outcome: "open",
      ok: undefined,
    };
    this.all.set(event.op, operation);
    if (isSend(operation)) this.#send(operation);
  }

  #end(event: Event & Completion, index: number): void {
    const operation = this.all.get(event.op);
    if (operation?.outcome !== "open") {
      const why = operation ? "has ended" : "was never begun";
      throw new Error(`Event ${index + 1} ends operation ${event.op}, which ${why}`);
    }
    operation.ended = index;
    operation.endedAt = event.at;
    operation.outcome = event.type;
    if (event.type === "ok") operation.ok = event;
  }

  #send(operation: SendOperation): void {
    const { sends } = operation.asked;
    const known = this.origins.get(sends[0]?.values[0] ?? "")?.part.sending;
    if (known) {
      known.tries.push(operation);
      return;
    }
    const sending: Sending = { number: this.sendings.length, tries: [operation], parts: [] };
    this.sendings.push(sending);
    for (const { topic, values, producer } of sends) {
      const origins: Origin[] = [];
      const part: Part = { sending, topic, producer, origins };
      sending.parts.push(part);
      for (const value of values) {
        const origin: Origin = { part, value, entry: undefined, others: undefined };
        origins.push(origin);
        if (!this.origins.has(value)) this.origins.set(value, origin);
      }
    }
  }
}

export function isSend(operation: Operation): operation is SendOperation {
  return operation.asked.f === "send";
}

/** Tries that may have stored it. */
export function possibleTries({ tries }: Sending): SendOperation[] {
  return tries.filter(({ outcome }) => outcome !== "fail");
}

/** Without a producer each try may have stored it: then there is no telling which copy is whose. */
export function mayBeDoubled(sending: Sending): boolean {
  return sending.tries.length > 1 && sending.parts.some(({ producer }) => !producer) &&
    possibleTries(sending).length > 1;
}

/** Before this it was certainly not stored: `Infinity` if it never was. */
export function earliestStored({ tries }: Sending): number {
  let earliest = Infinity;
  for (const { outcome, begun } of tries) {
    if (outcome !== "fail" && begun < earliest) earliest = begun;
  }
  return earliest;
}
