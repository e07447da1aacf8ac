/**
 * The real world, for applications that otherwise run in a simulated one: randomness is seeded,
 * time is real.
 */

import { Chance } from "../support/chance.ts";
import type { Surroundings } from "../sim/world.ts";

export class Reality extends Chance implements Surroundings {
  readonly #begun = performance.now();
  #recent: string[] = [];

  get now(): number {
    return performance.now() - this.#begun;
  }

  /** The latest things that happened. */
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
