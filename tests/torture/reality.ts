/** The world as it is, for applications that else run in a simulated one: chance has a seed, time has none. */

import { Chance } from "../support/chance.ts";
import type { Surroundings } from "../sim/world.ts";

export class Reality extends Chance implements Surroundings {
  readonly #begun = performance.now();
  #recent: string[] = [];

  get now(): number {
    return performance.now() - this.#begun;
  }

  /** The last things that happened. */
  get recent(): readonly string[] {
    return this.#recent.slice(-60);
  }

  trace(text: string): void {
    this.#recent.push(`${this.now.toFixed(0)} ${text}`);
    if (this.#recent.length > 1_000) this.#recent = this.#recent.slice(-60);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
