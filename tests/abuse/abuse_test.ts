/** Small abuse: others lose nothing, and the abuser gets what the protocol promises. */

import { assert, assertEquals } from "@std/assert";
import type { Abuser } from "./abuser.ts";
import { type AbuserName, ABUSERS } from "./abusers.ts";
import type { Access } from "./access.ts";
import { type Bound, boundBytes, boundText, inUseBytes } from "./bounds.ts";
import { effectOn, rises, type Round, windowOf } from "./figures.ts";
import { Machine } from "./machine.ts";
import { type Pace, type Row, run } from "./run.ts";
import { isWell } from "./table.ts";

const pace: Pace = {
  size: "small",
  warmUps: 0,
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

/** One in which others feel nothing, unless told otherwise. */
function roundOf({ without = 1, during = 1, cost = 0, heap = 100, rss = 100 }): Round {
  return {
    without: { records: 1, p50: without, p99: without },
    with: { records: 1, p50: during, p99: during },
    cost,
    after: { heap, rss },
  };
}

function rowOf(rounds: readonly Round[], bound: Bound): Row {
  return {
    name: "silent",
    does: "says nothing",
    lanes: 3,
    bound,
    perSecond: 1,
    rounds,
    got: {},
    others: { acknowledged: 1, refused: 0, unanswered: 0, lost: 0, doubled: 0 },
  };
}

Deno.test("a bound is that of all lanes, with what they share and the gateway's own garbage", () => {
  const lane = [{ what: "a socket", bytes: 2_048 }, { what: "its outbox", bytes: 1_024 }];
  const whole = [{ what: "a group", bytes: 3 * 1_024 * 1_024 }];
  const own = 3 * 3_072 + 3 * 1_024 * 1_024;
  assertEquals(inUseBytes({ lane, whole }, 3), own);
  assertEquals(boundBytes({ lane, whole }, 3), own + 192 * 1_024 * 1_024);
  assertEquals(
    boundText({ lane, whole }, 3),
    "3 × (a socket 2 KiB + its outbox 1 KiB) + a group 3.0 MiB + garbage 192.0 MiB",
  );
});

Deno.test("a row is well only if no round has cost more than the bound", () => {
  const bound: Bound = { lane: [{ what: "a socket", bytes: 1_024 }], whole: [] };
  const most = boundBytes(bound, 3);
  assert(isWell(rowOf([roundOf({ cost: 1 }), roundOf({ cost: most })], bound)));
  assert(!isWell(rowOf([roundOf({ cost: most + 1 }), roundOf({ cost: 1 })], bound)));
});

Deno.test("a row is not well if memory goes on to rise, on the heap or outside", () => {
  const bound: Bound = { lane: [], whole: [] };
  const settling = [100, 120, 130, 131, 129, 130, 128, 131];
  const leaking = [100, 120, 140, 160, 180];
  assert(isWell(rowOf(settling.map((rss) => roundOf({ rss })), bound)));
  assert(!isWell(rowOf(leaking.map((rss) => roundOf({ rss })), bound)));
  assert(!isWell(rowOf(leaking.map((heap) => roundOf({ heap })), bound)));
});

Deno.test("a row is not well if a record of the others was lost or refused, or came twice", () => {
  const row = rowOf([roundOf({})], { lane: [], whole: [] });
  assert(isWell(row));
  for (const what of ["refused", "unanswered", "lost", "doubled"]) {
    assert(!isWell({ ...row, others: { ...row.others, [what]: 1 } }), what);
  }
});

Deno.test("the limits let no abuser cost more than 600 MiB", () => {
  const costly = Object.entries<Abuser>(ABUSERS)
    .filter(([, { bound, lanes }]) => boundBytes(bound, lanes.full) > 600 * 1_024 * 1_024)
    .map(([name, { bound, lanes }]) => `${name}: ${boundText(bound, lanes.full)}`);
  assertEquals(costly, []);
});

Deno.test("an effect is the median of pairs, beside how far windows are apart without it", () => {
  const round = (without: number, during: number) => roundOf({ without, during });
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
  assert(!rises([100, 120, 130, 140, 150, 152, 149, 153, 151]), "it has settled");
  assert(rises([100, 110, 120, 130, 140, 150, 160, 170, 180, 190]), "it goes on");
});
