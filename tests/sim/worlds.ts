/**
 * Which world a seed is: clients that are bare connections if it is odd, applications that use the
 * client if it is even, unless one of the two is asked for.
 */

import { runClientSeed } from "./client_seed.ts";
import type { Outcome } from "./outcome.ts";
import { BROAD, NARROW, type Scenario, WIDE } from "./scenario.ts";
import { runSeed } from "./seed.ts";

export interface Choice {
  /** Who the clients are; absent: the seed says. */
  readonly world?: "frames" | "client";
  /** As the worlds of earlier seeds were; absent: with all that there is. */
  readonly like?: "narrow" | "wide";
  /** Absent: three, or one in a narrow world. */
  readonly gateways?: number;
}

export function runWorld(seed: number, choice: Choice): Promise<Outcome> {
  const { world = seed % 2 === 0 ? "client" : "frames" } = choice;
  const scenario = scenarioOf(choice);
  return world === "client" ? runClientSeed(seed, scenario) : runSeed(seed, scenario);
}

/** How one seed is run again. */
export function commandFor(seed: number, { world, like, gateways }: Choice): string {
  const options = [
    ...world === undefined ? [] : [`--world ${world}`],
    ...like === undefined ? [] : [`--${like}`],
    ...gateways === undefined ? [] : [`--gateways ${gateways}`],
    `--seed ${seed}`,
  ];
  return `deno task sim ${options.join(" ")}`;
}

function scenarioOf({ like, gateways }: Choice): Scenario {
  const scenario = like === "narrow" ? NARROW : like === "wide" ? WIDE : BROAD;
  return gateways === undefined ? scenario : { ...scenario, gateways };
}
