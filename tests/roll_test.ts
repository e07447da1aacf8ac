import { assert, assertEquals } from "@std/assert";
import { Roll } from "../src/roll.ts";

interface One {
  busy: boolean;
}

function fixture() {
  const looks = { count: 0 };
  const roll = new Roll<One>({
    crowded: 100,
    make: () => ({ busy: true }),
    isAsNew(one) {
      looks.count++;
      return !one.busy;
    },
  });
  return { roll, looks };
}

Deno.test("where there are many, only those are forgotten that are as new", () => {
  const { roll } = fixture();
  for (let i = 0; i < 100; i++) roll.find(`${i}`).busy = i % 2 === 0;
  const kept = roll.known("42");
  roll.find("one more");
  assertEquals(roll.known("41"), undefined);
  assertEquals(roll.find("42"), kept);
});

Deno.test("to make room takes no longer for each the more are busy", () => {
  const { roll, looks } = fixture();
  for (let i = 0; i < 10_000; i++) roll.find(`${i}`);
  assert(looks.count <= 2 * 10_000, `${looks.count} looks at 10,000`);
});
