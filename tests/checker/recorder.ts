/** Records a history as it happens. All clients of a run share one. */

import type { Completion, Event, Invocation, Telling, Terms } from "./history.ts";

/** An invocation without its number. */
type Asked = Invocation extends infer One ? One extends Invocation ? Omit<One, "op"> : never
  : never;
type Answer = Omit<Extract<Completion, { readonly type: "ok" }>, "type" | "op">;

export class Recorder {
  readonly events: Event[] = [];
  readonly #now: () => number;
  readonly #heard: (event: Event) => void;
  #op = 0;

  /** `now`: milliseconds since the run began. `heard` is called with every event. */
  constructor(now: () => number, heard: (event: Event) => void = () => {}) {
    this.#now = now;
    this.#heard = heard;
  }

  terms(terms: Omit<Terms, "f">): void {
    this.#add({ type: "terms", f: "terms", ...terms, at: this.#now(), process: "run" });
  }

  /** A request; returns the operation's number. */
  invoke(process: string, asked: Asked): number {
    const op = ++this.#op;
    this.#add({ type: "invoke", op, ...asked, at: this.#now(), process } as Event);
    return op;
  }

  ok(process: string, op: number, answer: Answer = {}): void {
    this.#add({ type: "ok", op, ...answer, at: this.#now(), process });
  }

  /** It did not happen and never will. */
  fail(process: string, op: number, error: string): void {
    this.#add({ type: "fail", op, error, at: this.#now(), process });
  }

  /** It is not known whether it happened, or will. */
  info(process: string, op: number, error: string): void {
    this.#add({ type: "info", op, error, at: this.#now(), process });
  }

  told(process: string, telling: Telling): void {
    this.#add({ type: "told", ...telling, at: this.#now(), process });
  }

  #add(event: Event): void {
    this.events.push(event);
    this.#heard(event);
  }
}

/** Saves a history in a file, a line for each event. */
export async function writeHistory(file: string, events: readonly Event[]): Promise<void> {
  const lines = ReadableStream.from(events).pipeThrough(
    new TransformStream<Event, string>({
      transform: (event, controller) => controller.enqueue(`${JSON.stringify(event)}\n`),
    }),
  );
  await Deno.writeTextFile(file, lines);
}
