/**
 * Chooses the world of a seed: bare connections as clients if it is odd, applications that use the
 * client if it is even, unless one of the two is requested.
 */

import { runClientSeed } from "./client_seed.ts";
import type { Outcome } from "./outcome.ts";
import { BROAD, HARSH, NARROW, type Scenario, WIDE } from "./scenario.ts";
import { runSeed } from "./seed.ts";

const LIKE = { narrow: NARROW, wide: WIDE, broad: BROAD } as const;

export type Like = keyof typeof LIKE;

export interface Choice {
  /** The clients; absent: the seed decides. */
  readonly world?: "frames" | "client";
  /** As the worlds of earlier seeds were; absent: with everything that there is. */
  readonly like?: Like;
  /** Absent: three, or one in a narrow world. */
  readonly gateways?: number;
}

export function runWorld(seed: number, choice: Choice): Promise<Outcome> {
  const { world = seed % 2 === 0 ? "client" : "frames" } = choice;
  const scenario = scenarioOf(choice);
  return world === "client" ? runClientSeed(seed, scenario) : runSeed(seed, scenario);
}

/** The command that runs a seed again. */
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
  const scenario = like === undefined ? HARSH : LIKE[like];
  return gateways === undefined ? scenario : { ...scenario, gateways };
}
