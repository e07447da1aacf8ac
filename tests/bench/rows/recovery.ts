/** Rows of special conditions: a restart, readers far behind, retention. */

import { besideOthers } from "../beside.ts";
import { resumeAll } from "../resuming.ts";
import type { Row } from "../row.ts";

export const recoveryRows: readonly Row[] = [
  {
    name: "P12",
    load: "5,000 sockets resume after a kill; catch-up and retention beside live publishing",
    goal: "all back at their offsets < 5 s after it is ready; p99 of acks 2 × undisturbed",
    isOnce: true,
    figures: async (bench) => ({ ...await resumeAll(bench), ...await besideOthers(bench) }),
  },
];
