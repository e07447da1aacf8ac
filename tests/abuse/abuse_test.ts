/** Small abuse: others lose nothing, and the abuser gets what the protocol promises. */

import { assert, assertEquals } from "@std/assert";
import type { AbuserName } from "./abusers.ts";
import type { Access } from "./access.ts";
import { effectOn, rises, type Round, windowOf } from "./figures.ts";
import { Machine } from "./machine.ts";
import { type Pace, type Row, run } from "./run.ts";
import { isWell } from "./table.ts";

const pace: Pace = {
  size: "small",
  rounds: 1,
  pairs: 4,
  capacityMs: 500,
  windowMs: 1_000,
  settleMs: 500,
  restMs: 0,
};

/** Runs it, and holds what is to be so whatever an abuser does. */
async function abused(name: AbuserName, access: Access = "open"): Promise<Row> {
  const row = await run({ name, access, pace, machine: new Machine() });
  const { acknowledged, ...bad } = row.others;
  assertEquals(bad, { refused: 0, unanswered: 0, lost: 0, doubled: 0 });
  const [{ without, with: during }] = row.rounds as [Round];
  assert(without.records > 0 && during.records > 0, "others published in both windows");
  assert(acknowledged >= without.records + during.records);
  assert(isWell(row));
  return row;
}

Deno.test("who subscribes to too many keys is refused, then closed, and others lose nothing", async () => {
  const { got } = await abused("too-many-keys");
  assert((got["invalid_frame"] ?? 0) > 100, JSON.stringify(got));
  assert((got["closed 4502"] ?? 0) > 0, JSON.stringify(got));
});

Deno.test("who has too many requests open is told so, and others lose nothing", async () => {
  const { got } = await abused("flood");
  assert((got["overloaded"] ?? 0) > 0, JSON.stringify(got));
});

Deno.test("where there is a key, who publishes too much is told when to go on, and others lose nothing", async () => {
  const { got } = await abused("publish-storm", "keyed");
  assert((got["rate_limited"] ?? 0) > 0, JSON.stringify(got));
});

Deno.test("members that join and leave without end cost others nothing", async () => {
  const { got } = await abused("endless-group");
  assert((got["join ok"] ?? 0) > 0 && (got["leave ok"] ?? 0) > 0, JSON.stringify(got));
});

Deno.test("an effect is the median of pairs, beside how far windows are apart without it", () => {
  const round = (without: number, during: number): Round => ({
    without: { records: 1, p50: without, p99: without },
    with: { records: 1, p50: during, p99: during },
    cost: 0,
    after: { heap: 0, rss: 0 },
  });
  // A slow minute strikes both windows of the last pair.
  assertEquals(effectOn("p50", [round(2, 2), round(2, 3), round(4, 6)]), {
    without: 2,
    with: 3,
    ratio: 1.5,
    spread: 1,
  });
});

Deno.test("of a window's latencies half are within p50, and 99 of 100 within p99", () => {
  const latencies = Array.from({ length: 200 }, (_, i) => 200 - i);
  assertEquals(windowOf(latencies), { records: 200, p50: 100, p99: 198 });
});

Deno.test("a trend is upward only if nearly all that is later is more, and it comes to something", () => {
  assert(rises([100, 104, 109, 113, 120]));
  assert(rises([100, 104, 103, 113, 120]));
  assert(!rises([100, 120, 103, 113, 108]), "it goes up and down");
  assert(!rises([100, 101, 102, 103, 104]), "it comes to little");
  assert(!rises([120, 113, 109, 104, 100]), "it falls");
  assert(!rises([100]), "one is no trend");
});
