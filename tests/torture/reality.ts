/** The world as it is, for applications that else run in a simulated one: chance has a seed, time has none. */

import { mulberry32 } from "../support/test_host.ts";
import type { Surroundings } from "../sim/world.ts";

export class Reality implements Surroundings {
  readonly random: () => number;
  readonly #begun = performance.now();
  #recent: string[] = [];

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

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

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
