import { assertEquals } from "@std/assert";
import { MUTING } from "../../src/limits.ts";
import { type Muted, Muting } from "../../src/session/muting.ts";

/** So many sessions, muted at the time 0, and the numbers of those that had their turn since. */
function muted(count: number) {
  const state = { isBehind: false };
  const muting = new Muting(() => state.isBehind);
  const turns: number[] = [];
  const all = Array.from({ length: count }, (_, at): Muted => ({ unmute: () => turns.push(at) }));
  for (const session of all) muting.mute(session, 0);
  /** How many have their turn in one tick. */
  const tick = (now: number) => {
    const before = turns.length;
    muting.tick(now);
    return turns.length - before;
  };
  return { muting, all, turns, tick, state };
}

Deno.test("turns come in the order in which sessions were muted, twice as many each time", () => {
  const { muting, turns, tick } = muted(1_000);
  assertEquals([1, 2, 3].map(tick), [1, 2, 4].map((times) => times * MUTING.fewest));
  assertEquals(turns, Array.from(turns.keys()));
  assertEquals(muting.count, 1_000 - turns.length);
});

Deno.test("while too much waits for the store there are none, and then half as many", () => {
  const { tick, state } = muted(10_000);
  assertEquals([1, 2].map(tick), [MUTING.fewest, 2 * MUTING.fewest]);
  state.isBehind = true;
  assertEquals([3, 4, 5].map(tick), [0, 0, 0]);
  state.isBehind = false;
  assertEquals([6, 7].map(tick), [MUTING.fewest, 2 * MUTING.fewest]);
});

Deno.test("who was muted for long is read in any case, but has no turn", () => {
  const { muting, turns, tick, state } = muted(3);
  state.isBehind = true;
  muting.mute({ unmute: () => turns.push(3) }, 1);
  assertEquals([tick(MUTING.waitMs - 1), tick(MUTING.waitMs)], [0, 3]);
  assertEquals(turns, [0, 1, 2]);
  const bytes: number[] = [];
  muting.mute({ unmute: (turnBytes) => bytes.push(turnBytes) }, 1);
  tick(MUTING.waitMs + 1);
  state.isBehind = false;
  muting.mute({ unmute: (turnBytes) => bytes.push(turnBytes) }, 1);
  tick(2);
  assertEquals(bytes, [0, MUTING.turnBytes]);
});

Deno.test("who has ended has none, and who is muted again waits for the next tick", () => {
  const { muting, all, turns, tick } = muted(2);
  muting.forget(all[0] as Muted);
  const again: Muted = {
    unmute() {
      turns.push(2);
      muting.mute(again, 1);
    },
  };
  muting.mute(again, 0);
  tick(1);
  assertEquals(turns, [1, 2]);
  tick(2);
  assertEquals(turns, [1, 2, 2]);
});

Deno.test("no more have a turn once what they had held back is too much", () => {
  const { muting, turns, state, tick } = muted(0);
  const full: Muted = {
    unmute() {
      turns.push(0);
      state.isBehind = true;
    },
  };
  muting.mute(full, 0);
  muting.mute({ unmute: () => turns.push(1) }, 0);
  assertEquals(tick(1), 1);
});
