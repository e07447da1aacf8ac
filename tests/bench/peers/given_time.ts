/**
 * For tests of loads: a busy machine may get nothing done in a short time, and is then given longer;
 * only a load that does nothing at all is wrong.
 */

import { type Figure, withServer } from "../loads.ts";
import type { Server } from "../processes.ts";

const [FIRST_MS, LAST_MS] = [300, 20_000];

/** The first figure of a load that is not zero, of a fresh server each; or the last. */
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
