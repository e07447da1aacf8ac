/**
 * A connection of the made-up world. Each direction delivers in order, with a delay. When it is
 * cut, what is on its way to the gateway may still arrive, and nothing comes back: open requests
 * have no answer, and nobody knows whether they happened.
 */

import type { Completion } from "../history.ts";
import type { Recorder } from "../recorder.ts";
import type { Surroundings } from "./surroundings.ts";

export type Outcome = Completion extends infer One
  ? One extends Completion ? Omit<One, "op"> : never
  : never;

type Asked = Parameters<Recorder["invoke"]>[1];

export class Connection {
  readonly #world: Surroundings;
  readonly #process: string;
  readonly #open = new Map<number, (outcome: Outcome) => void>();
  #up = 0;
  #down = 0;
  #isCut = false;
  #arrives = true;

  constructor(world: Surroundings, process: string) {
    this.#world = world;
    this.#process = process;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Sends a request; `carryOut` is what the gateway does, `answered` what the client then does. */
  request(asked: Asked, carryOut: () => Outcome, answered: (outcome: Outcome) => void): void {
    const op = this.#world.recorder.invoke(this.#process, asked);
    this.#open.set(op, answered);
    this.send(() => {
      const outcome = carryOut();
      this.tell(() => this.#answer(op, outcome));
    });
  }

  /** To the gateway. */
  send(arrived: () => void): void {
    const { timeline } = this.#world;
    this.#up = Math.max(this.#up, timeline.now + this.#delay());
    timeline.at(this.#up, () => {
      if (!this.#isCut || this.#arrives) arrived();
    });
  }

  /** To the client. */
  tell(arrived: () => void): void {
    const { timeline } = this.#world;
    this.#down = Math.max(this.#down, timeline.now + this.#delay());
    timeline.at(this.#down, () => {
      if (!this.#isCut) arrived();
    });
  }

  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#arrives = this.#world.chance.chance(0.5);
    for (const op of [...this.#open.keys()]) this.#answer(op, { type: "info", error: "lost" });
  }

  #answer(op: number, outcome: Outcome): void {
    const answered = this.#open.get(op);
    if (!answered) return;
    this.#open.delete(op);
    const { recorder } = this.#world;
    if (outcome.type === "ok") {
      const { type: _, ...answer } = outcome;
      recorder.ok(this.#process, op, answer);
    } else {
      recorder[outcome.type](this.#process, op, outcome.error);
    }
    answered(outcome);
  }

  #delay(): number {
    const { chance, delayMs } = this.#world;
    return chance.chance(0.9) ? chance.between(0.1, delayMs / 10) : chance.between(0.1, delayMs);
  }
}
