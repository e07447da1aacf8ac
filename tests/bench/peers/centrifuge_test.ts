/**
 * Tests the loads of Centrifugo's engine, if a run of the benchmarks has built it: that takes
 * minutes, so it is not done for a test.
 */

import { assert } from "@std/assert";
import type { Figure } from "../loads.ts";
import type { Server } from "../processes.ts";
import { centrifugeFanOut, centrifugePublishes } from "./centrifuge_loads.ts";
import { centrifugeServer, isCentrifugeBuilt } from "./centrifuge_server.ts";
import { givenTime } from "./given_time.ts";
import { showOnce } from "./shown_once.ts";

const isBuilt = await isCentrifugeBuilt();
if (!isBuilt) showOnce("Centrifugo's engine is not built; its loads are not tested");

function centrifugeTest(
  name: string,
  load: (server: Server, ms: number, perSecond?: number) => Promise<Figure>,
): void {
  if (!isBuilt) return;
  Deno.test(name, async () => {
    const start = () => centrifugeServer();
    assert((await givenTime(start, (server, ms) => load(server, ms))).perSecond > 0);
    const { latencies = [] } = await givenTime(start, (server, ms) => load(server, ms, 1_000));
    assert(latencies.length > 0);
    assert(latencies.every((taken) => taken >= 0));
  });
}

centrifugeTest(
  "centrifugePublishes() has its publishes acknowledged, at once and by the clock",
  (server, ms, perSecond) => centrifugePublishes(server, { sockets: 4, window: 8, ms, perSecond }),
);

centrifugeTest(
  "centrifugeFanOut() delivers to its sockets, at once and by the clock",
  (server, ms, perSecond) => centrifugeFanOut(server, { sockets: 10, window: 4, ms, perSecond }),
);
