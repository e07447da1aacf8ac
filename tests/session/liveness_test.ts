import { assertEquals } from "@std/assert";
import { SESSION } from "../../src/limits.ts";
import { Liveness } from "../../src/session/liveness.ts";

const { invalidFrames, invalidWindowMs } = SESSION;

/** Of so many invalid frames at each of these times, which ones were too many. */
function tooMany(times: readonly (readonly [now: number, frames: number])[]): number[] {
  const liveness = new Liveness(0, { heartbeatMs: 1_000, sessionTimeoutMs: 3_000 });
  const all = times.flatMap(([now, frames]) => new Array<number>(frames).fill(now));
  return all.flatMap((now, i) => liveness.invalid(now) ? [i] : []);
}

Deno.test("invalid frames are too many in any ten seconds, wherever these begin", () => {
  const half = invalidFrames / 2;
  const end = invalidWindowMs;
  assertEquals(tooMany([[end - 1, half], [end + 1, half + 1]]), [invalidFrames]);
  assertEquals(tooMany([[0, half], [end - 1, half], [2 * end - 2, half + 1]]), [3 * half]);
});

Deno.test("as many as there may be are none too many, ten seconds after the last", () => {
  const times = [0, 1, 2, 3].map((n) => [n * invalidWindowMs, invalidFrames] as const);
  assertEquals(tooMany(times), []);
});
