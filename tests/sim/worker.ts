/**
 * Runs the seeds that it is given, one at a time, and reports their outcomes: one core's share of a
 * long run.
 */

import type { Outcome } from "./outcome.ts";
import { type Choice, runWorld } from "./worlds.ts";

/** The report on a seed: everything except its history. */
export type Summary = Omit<Outcome, "history">;

export interface Task {
  readonly seed: number;
  readonly choice: Choice;
}

const port = self as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(summary: Summary): void;
};

port.onmessage = async ({ data: { seed, choice } }) => {
  const { history: _, ...summary } = await runWorld(seed, choice);
  port.postMessage(summary);
};
