/** Shared by everything in the made-up world. */

import type { Chance } from "../../support/chance.ts";
import type { Recorder } from "../recorder.ts";
import type { ModelStore } from "./store.ts";
import type { Timeline } from "./timeline.ts";

export interface Surroundings {
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly recorder: Recorder;
  readonly store: ModelStore;
  /** Nothing new is begun, and nothing fails any more. */
  readonly isHealed: () => boolean;
  /** How long a message may be on its way. */
  readonly delayMs: number;
}
