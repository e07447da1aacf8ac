/**
 * For tests of loads: on a busy machine a short load may get nothing done, and is then repeated for
 * longer; only a load that never does anything fails.
 */

import { type Figure, withServer } from "../loads.ts";
import type { Server } from "../processes.ts";

const [FIRST_MS, LAST_MS] = [300, 20_000];

/** The first figure of a load that is not zero, each on a new server; or the last one. */
export async function givenTime<S extends Server>(
  start: () => Promise<S>,
  load: (server: S, ms: number) => Promise<Figure>,
): Promise<Figure> {
  for (let ms = FIRST_MS;; ms *= 2) {
    const figure = await withServer(start(), (server) => load(server, ms));
    const isSeen = figure.latencies === undefined || figure.latencies.length > 0;
    if (figure.perSecond > 0 && isSeen || ms > LAST_MS) return figure;
  }
}
