import { assert, assertEquals } from "@std/assert";
import { Chance } from "../support/chance.ts";
import { check } from "./check.ts";
import { CORRUPTIONS } from "./corrupt/corruptions.ts";
import { generate, SMALL } from "./generate.ts";
import type { Event } from "./history.ts";

const CLEAN = 100;
const SHORT = { ...SMALL, operations: 300 };
const SPOILT = 1_000;
/** How many histories each corruption must spoil, though few have a place for some. */
const EACH = 10;
/** After so many seeds one that never finds a place has failed. */
const SEEDS = 10_000;
/** The share that must be found of each corruption. */
const NOTICED = 0.99;

function kindsOf(events: readonly Event[]): string[] {
  return [...new Set(check(events).map(({ kind }) => kind))];
}

Deno.test("nothing is found in histories in which all is right", () => {
  for (let seed = 1; seed <= CLEAN; seed++) {
    assertEquals(check(generate(seed)), [], `seed ${seed}`);
  }
});

Deno.test("the same seed gives the same history", () => {
  assertEquals(generate(7), generate(7));
});

Deno.test("a generated history has all that a history can have", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    for (const event of generate(seed)) {
      const isTold = event.type === "told" || event.type === "invoke";
      seen.add(isTold ? event.f : event.type);
      if (event.type === "ok" && event.duplicate) seen.add("duplicate");
      if (event.type === "invoke" && event.f === "send") {
        if (event.sends.length > 1) seen.add("several parts");
        if (event.commit) seen.add("transaction");
      }
      if (event.type === "told" && event.f === "subscribe" && event.recovered) {
        seen.add("recovered");
      }
      if (event.type === "told" && event.f === "revoke" && event.lost) seen.add("lost");
    }
  }
  const wanted =
    "terms topic grant tail send commit reset delete ok fail info subscribe unsubscribe poll gap " +
    "assign revoke release left healed log duplicate transaction recovered lost";
  assertEquals([...wanted.split(" "), "several parts"].filter((name) => !seen.has(name)), []);
});

Deno.test("whatever is spoilt in a history is noticed, and named", () => {
  const noticed = new Map(CORRUPTIONS.map(({ name }) => [name, { spoilt: 0, found: 0 }]));
  const missed: string[] = [];
  let history = generate(1, SHORT);
  let spoilt = 0;
  const isOver = () => spoilt >= SPOILT && noticed.values().every(({ spoilt }) => spoilt >= EACH);
  for (let seed = 1; !isOver() && seed <= SEEDS; seed++) {
    const chance = new Chance(seed);
    if (seed % CORRUPTIONS.length === 0) history = generate(seed, SHORT);
    const corruption = CORRUPTIONS[seed % CORRUPTIONS.length];
    const events = corruption?.apply(history, chance);
    if (!corruption || !events) continue;
    spoilt++;
    const kinds = kindsOf(events);
    const count = noticed.get(corruption.name);
    if (count) count.spoilt++;
    if (corruption.kinds.some((kind) => kinds.includes(kind))) { if (count) count.found++; }
    else missed.push(`seed ${seed}: ${corruption.name}: found ${kinds.join(", ") || "nothing"}`);
  }
  for (const [name, { spoilt, found }] of noticed) {
    assert(spoilt >= EACH, `${name}: spoilt only ${spoilt} histories`);
    assert(found >= NOTICED * spoilt, `${name}: ${found} of ${spoilt}\n${missed.join("\n")}`);
  }
});
