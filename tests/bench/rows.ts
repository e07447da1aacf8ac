/** All rows, in the order in which they run. */

import type { Row } from "./row.ts";
import { catchUpRows } from "./rows/catch_up.ts";
import { cityRows } from "./rows/city.ts";
import { clientRows } from "./rows/client.ts";
import { clusterRows } from "./rows/cluster.ts";
import { fanOutRows } from "./rows/fan_out.ts";
import { groupRows } from "./rows/groups.ts";
import { growthRows } from "./rows/growth.ts";
import { idleRows } from "./rows/idle.ts";
import { latencyRows } from "./rows/latency.ts";
import { publishingRows } from "./rows/publishing.ts";
import { recoveryRows } from "./rows/recovery.ts";
import { threadRows } from "./rows/threads.ts";

export const ROWS: readonly Row[] = [
  ...publishingRows,
  ...groupRows,
  ...fanOutRows,
  ...latencyRows,
  ...cityRows,
  ...catchUpRows,
  ...growthRows,
  ...clusterRows,
  ...idleRows,
  ...recoveryRows,
  ...clientRows,
  ...threadRows,
];
