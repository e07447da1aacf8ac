/**
 * Shared by the clients of a simulated world: the world, the gateways that are up, and the
 * recorder.
 */

import type { Recorder } from "../checker/recorder.ts";
import type { Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** Rare events that must happen now and then: a run without one of them has not tested it. */
export const RARE = [
  "revokeDeadlinePassed",
  "instanceTakenOver",
  "duplicateAnsweredByAnotherGateway",
  "gapDelivered",
  "transactRepeated",
  "declaredDeadWhileAlive",
  "clientCrashed",
  "memberLeft",
  "rebalanceStorm",
  "topicDeletedInRebalance",
] as const;

export type Rare = typeof RARE[number];

/** A broken rule, found in the history or besides it. */
export interface Violation {
  readonly kind: string;
  readonly text: string;
}

export interface Site {
  readonly world: World;
  readonly scenario: Scenario;
  readonly recorder: Recorder;
  readonly rare: Record<Rare, number>;
  /** Whether faults are over: clients that were slow no longer are. */
  readonly isHealthy: boolean;
  /** A gateway that is up, if one is. */
  gateway(): Process | undefined;
  fault(kind: string, text: string): void;
}
