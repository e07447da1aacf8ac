/** Repeats something at intervals, or until a condition holds. */

import { pause } from "./pause.ts";

/**
 * Runs `each` at this interval, never twice at once, until the returned function is called or it
 * fails; the function rejects with that failure.
 */
export function repeatedly(everyMs: number, each: () => Promise<void> | void): () => Promise<void> {
  let running = true;
  const loop = (async () => {
    while (running) {
      await pause(everyMs);
      if (running) await each();
    }
  })();
  loop.catch(() => {});
  return () => {
    running = false;
    return loop;
  };
}

const PATIENCE_MS = 60_000;

/** Resolves when nothing is left; rejects when the number has not fallen for a minute. */
export async function untilNothing(
  left: () => Promise<number>,
  what: string,
): Promise<void> {
  let least = Infinity;
  let since = performance.now();
  for (let now = await left(); now > 0; now = await left()) {
    if (now < least) [least, since] = [now, performance.now()];
    if (performance.now() - since > PATIENCE_MS) {
      throw new Error(`For ${PATIENCE_MS / 1_000} s ${what} got no further: ${now} are left`);
    }
    await pause(100);
  }
}
