/** The row of the city, which exercises everything. */

import { city } from "../drivers.ts";
import type { Row } from "../row.ts";

export const cityRows: readonly Row[] = [
  {
    name: "P6",
    load:
      "100,000 drivers (--drivers), a fix a second each, 15,000 sockets that publish the fixes " +
      "of their drivers together, three groups that read; --minutes 10 (unless given: 1)",
    goal: "none lost, p99 250 ms, 25 KiB an idle socket, 40 KiB in the run, RSS flat",
    isOnce: true,
    figures: city,
  },
];
