/** What is held beside the abusers: no abuse at all, and a machine that is busy with something else. */

import type { Abuser } from "./abuser.ts";
import { BOUNDS } from "./bounds.ts";

export const nothing: Abuser = {
  does: "does nothing: how far two windows differ by themselves",
  lanes: { full: 1, small: 1 },
  bound: BOUNDS.nothing,
  async pass(site) {
    site.inForce();
    await site.sleep(60_000);
  },
};

const SPIN_MS = 5;

export const busyNeighbour: Abuser = {
  does: "does nothing to the gateway, but keeps busy the core that abusers run on",
  lanes: { full: 1, small: 1 },
  bound: BOUNDS.nothing,
  async pass(site) {
    site.inForce();
    const end = performance.now() + SPIN_MS;
    while (performance.now() < end);
    await site.sleep(0);
  },
};
