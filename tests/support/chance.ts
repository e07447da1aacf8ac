/** Seeded randomness: the same seed makes the same decisions in every run. */

import { mulberry32 } from "./test_host.ts";

export class Chance {
  /** Uniform in [0, 1). */
  readonly random: () => number;

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }
}
