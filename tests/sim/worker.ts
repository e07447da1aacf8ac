/** Runs seeds that it is told, one at a time, and tells what came of each: a core's share of a long run. */

import type { Outcome } from "./outcome.ts";
import { type Choice, runWorld } from "./worlds.ts";

/** What is told of a seed: all but its history. */
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
