import { assertEquals } from "@std/assert";
import { LINE } from "../../src/limits.ts";
import { Line, type Waiting } from "../../src/session/line.ts";

/** A line of so many since the time 0, and the numbers of those whose turn has come. */
function lineOf(count: number) {
  const state = { isBehind: false };
  const line = new Line(() => state.isBehind);
  const turns: number[] = [];
  const all = Array.from({ length: count }, (_, at): Waiting => ({ turn: () => turns.push(at) }));
  for (const waiting of all) line.enter(waiting, 0);
  /** How many have their turn in one tick. */
  const tick = (now: number) => {
    const before = turns.length;
    line.tick(now);
    return turns.length - before;
  };
  return { line, all, turns, tick, state };
}

Deno.test("turns come in the order in which they stopped, twice as many each time", () => {
  const { turns, tick } = lineOf(1_000);
  assertEquals([1, 2, 3].map(tick), [64, 128, 256].map((most) => most / 64 * LINE.fewest));
  assertEquals(turns, Array.from(turns.keys()));
});

Deno.test("while too much waits for the store there are none, and then half as many", () => {
  const { tick, state } = lineOf(10_000);
  assertEquals([1, 2].map(tick), [LINE.fewest, 2 * LINE.fewest]);
  state.isBehind = true;
  assertEquals([3, 4, 5].map(tick), [0, 0, 0]);
  state.isBehind = false;
  assertEquals([6, 7].map(tick), [LINE.fewest, 2 * LINE.fewest]);
});

Deno.test("who has waited for long has a turn in any case", () => {
  const { line, turns, tick, state } = lineOf(3);
  state.isBehind = true;
  line.enter({ turn: () => turns.push(3) }, 1);
  assertEquals([tick(LINE.waitMs - 1), tick(LINE.waitMs)], [0, 3]);
  assertEquals(turns, [0, 1, 2]);
});

Deno.test("who leaves has none, and who is read and stands in line again waits for the next", () => {
  const { line, all, turns, tick } = lineOf(2);
  line.leave(all[0] as Waiting);
  const again: Waiting = {
    turn() {
      turns.push(2);
      line.enter(again, 1);
    },
  };
  line.enter(again, 0);
  tick(1);
  assertEquals(turns.slice(0, 2), [1, 2]);
});
