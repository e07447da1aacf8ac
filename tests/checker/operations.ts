/**
 * The operations of a history with their outcomes, and what they published. A publish that was
 * tried several times is several operations and one `Sending`: retries send the same values.
 */

import type { Commit, Completion, Event, Invocation, ProducerStamp, Send } from "./history.ts";
import type { Entry } from "./partition_log.ts";

export type Ok = Event & Completion & { readonly type: "ok" };
export type Asked<F extends Invocation["f"]> =
  & { readonly at: number; readonly process: string; readonly type: "invoke" }
  & Extract<Invocation, { f: F }>;

/**
 * The index of an event that never came: a whole number, which takes less memory than `Infinity`.
 */
export const NEVER = 2 ** 31 - 1;

/** Kept small, since a history has a million of these: the rest is left in the events. */
export class Operation {
  readonly asked: Asked<Invocation["f"]>;
  /** Where it begins and ends among the events. */
  readonly begun: number;
  ended = NEVER;
  answer: (Event & Completion) | undefined = undefined;

  constructor(asked: Asked<Invocation["f"]>, begun: number) {
    this.asked = asked;
    this.begun = begun;
  }

  get process(): string {
    return this.asked.process;
  }

  get outcome(): "ok" | "fail" | "info" | "open" {
    return this.answer?.type ?? "open";
  }

  get ok(): Ok | undefined {
    return this.answer?.type === "ok" ? this.answer : undefined;
  }

  get endedAt(): number {
    return this.answer?.at ?? Infinity;
  }
}

export interface SendOperation extends Operation {
  readonly asked: Asked<"send">;
}

/** Everything that one operation publishes: stored together, or not at all. */
export interface Sending {
  /** Its number among all sendings. */
  readonly number: number;
  readonly tries: SendOperation[];
  parts: readonly Part[];
}

/** What it publishes to one topic. */
export interface Part {
  readonly sending: Sending;
  readonly topic: string;
  readonly producer: ProducerStamp | undefined;
  origins: readonly Origin[];
}

/** Where a value comes from, and where it was stored. */
export interface Origin {
  readonly part: Part;
  readonly value: string;
  /** The first known place where it is stored. */
  entry: Entry | undefined;
  /** Further places where it is stored. */
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

  #begin(event: Asked<Invocation["f"]>, index: number): void {
    if (this.all.has(event.op)) {
      throw new Error(`Event ${index + 1} begins operation ${event.op}, which was begun before`);
    }
    const operation = new Operation(event, index);
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
    operation.answer = event;
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
    sending.parts = sends.map((send) => this.#part(sending, send));
  }

  #part(sending: Sending, { topic, values, producer }: Send): Part {
    const part: Part = { sending, topic, producer, origins: [] };
    part.origins = values.map((value) => {
      const origin: Origin = { part, value, entry: undefined, others: undefined };
      if (!this.origins.has(value)) this.origins.set(value, origin);
      return origin;
    });
    return part;
  }
}

export function isSend(operation: Operation): operation is SendOperation {
  return operation.asked.f === "send";
}

/** The commit of an operation, if any. */
export function commitOf({ asked }: Operation): Commit | undefined {
  return asked.f === "send" || asked.f === "commit" ? asked.commit : undefined;
}

/** Names a sending in texts. */
export function firstValue({ parts }: Sending): string {
  return parts[0]?.origins[0]?.value ?? "nothing";
}

/** Tries that may have stored it. */
export function possibleTries({ tries }: Sending): SendOperation[] {
  return tries.filter(({ outcome }) => outcome !== "fail");
}

/**
 * Without a producer each try may have stored it: then it is unknown which copy came from which.
 */
export function mayBeDoubled(sending: Sending): boolean {
  return sending.tries.length > 1 && sending.parts.some(({ producer }) => !producer) &&
    possibleTries(sending).length > 1;
}

/** Before this event it was certainly not stored; `NEVER` if it never was. */
export function earliestStored({ tries }: Sending): number {
  let earliest = NEVER;
  for (const { outcome, begun } of tries) {
    if (outcome !== "fail" && begun < earliest) earliest = begun;
  }
  return earliest;
}
