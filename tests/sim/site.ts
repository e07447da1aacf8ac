/** What the clients of a simulated world share: the world, who is up, and where they write things down. */

import type { Recorder } from "../checker/recorder.ts";
import type { Process } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** Things that happen now and then, and must: a run in which one never does has not looked there. */
export const RARE = [
  "revokeDeadlinePassed",
  "instanceTakenOver",
  "duplicateAnsweredByAnotherGateway",
  "gapDelivered",
  "transactRepeated",
  "declaredDeadWhileAlive",
] as const;

export type Rare = typeof RARE[number];

/** What breaks a rule, by the history or by what no history shows. */
export interface Violation {
  readonly kind: string;
  readonly text: string;
}

export interface Site {
  readonly world: World;
  readonly scenario: Scenario;
  readonly recorder: Recorder;
  readonly rare: Record<Rare, number>;
  /** Whether faults strike no more: who was slow is not any more. */
  readonly isHealthy: boolean;
  /** A gateway that is up, if one is. */
  gateway(): Process | undefined;
  fault(kind: string, text: string): void;
}
