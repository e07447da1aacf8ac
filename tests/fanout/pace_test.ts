/** Readers that are behind take turns, and no more than their part of each turn of the event loop. */

import { assert, assertEquals } from "@std/assert";
import { Pace } from "../../src/fanout/pace.ts";
import { SESSION } from "../../src/limits.ts";
import { settled } from "../support/test_host.ts";
import { TurnClock } from "../support/turn_clock.ts";

/** Pushes again and again, each push taking half of what a turn has, and says so in `pushes`. */
async function read(pace: Pace, clock: TurnClock, name: string, pushes: string[]): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const turn = pace.turn();
    if (turn) await turn;
    clock.time += SESSION.catchUpMs / 2;
    pushes.push(name);
  }
}

Deno.test("a reader alone goes on until the turn's time is spent, and in the next turn", async () => {
  const clock = new TurnClock();
  const pace = new Pace(clock);
  assertEquals(pace.turn(), undefined);
  clock.time += SESSION.catchUpMs / 2;
  assertEquals(pace.turn(), undefined);
  clock.time += SESSION.catchUpMs / 2;
  const turn = pace.turn();
  assert(turn);
  let mine = false;
  turn.then(() => mine = true);
  await settled();
  assertEquals(mine, false);
  await clock.endTurn();
  assertEquals(mine, true);
});

Deno.test("several are served in turn, so many of them in each turn of the event loop", async () => {
  const clock = new TurnClock();
  const pace = new Pace(clock);
  const pushes: string[] = [];
  for (const name of ["a", "b", "c"]) void read(pace, clock, name, pushes);
  const turns: string[] = [];
  while (pushes.length < 9 && turns.length < 10) {
    if (turns.length > 0) await clock.endTurn();
    await settled();
    turns.push(pushes.slice(turns.join("").length).join(""));
  }
  assertEquals(turns.map((turn) => turn.length), [2, 2, 2, 2, 1]);
  assertEquals([...turns.join("")].sort().join(""), "aaabbbccc");
  // Where others wait nobody is served twice in one.
  for (const turn of turns.slice(1)) assert(new Set(turn).size === turn.length, turns.join());
});
