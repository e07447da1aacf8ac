import { assert, assertEquals } from "@std/assert";
import { LazyMap } from "../src/lazy_map.ts";

interface One {
  busy: boolean;
}

function fixture() {
  const looks = { count: 0 };
  const map = new LazyMap<One>({
    crowded: 100,
    make: () => ({ busy: true }),
    isAsNew(one) {
      looks.count++;
      return !one.busy;
    },
  });
  return { map, looks };
}

Deno.test("where there are many, only those are forgotten that are as new", () => {
  const { map } = fixture();
  for (let i = 0; i < 100; i++) map.getOrMake(`${i}`).busy = i % 2 === 0;
  const kept = map.get("42");
  map.getOrMake("one more");
  assertEquals(map.get("41"), undefined);
  assertEquals(map.getOrMake("42"), kept);
});

Deno.test("to make room takes no longer for each the more are busy", () => {
  const { map, looks } = fixture();
  for (let i = 0; i < 10_000; i++) map.getOrMake(`${i}`);
  assert(looks.count <= 2 * 10_000, `${looks.count} looks at 10,000`);
});
