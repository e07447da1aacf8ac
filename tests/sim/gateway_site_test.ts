import { assert } from "@std/assert";
import { GatewaySite, LONGEST_PAUSE_MS, SETTINGS } from "./gateway_site.ts";
import { NARROW } from "./scenario.ts";
import { World } from "./world.ts";

const STEP_MS = 100;
const TWO_LEASES_MS = 2 * SETTINGS.leaseMs;

Deno.test("however often a gateway stops, it runs for two leases within them and the longest pause", async () => {
  const world = new World(1);
  const place = new GatewaySite(world, () => {}, NARROW);
  place.begin();
  const process = place.gateway();
  assert(process);
  /** When it had run for so many steps. */
  const ranAt: number[] = [];
  for (let at = STEP_MS; at <= 600_000; at += STEP_MS) {
    place.pause();
    await world.run(at);
    if (!process.isPaused) ranAt.push(at);
  }
  const took = ranAt.slice(TWO_LEASES_MS / STEP_MS).map((at, i) => at - (ranAt[i] ?? 0));
  assert(took.length > 0, "it ran for two leases");
  const longest = Math.max(...took);
  const most = TWO_LEASES_MS + LONGEST_PAUSE_MS + STEP_MS;
  assert(longest <= most, `It took ${longest} ms to run for two leases, not ${most} at most`);
  assert(place.counts.pauses > 50, `${place.counts.pauses} pauses`);
});
