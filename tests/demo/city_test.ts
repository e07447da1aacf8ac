/** The made-up city, and the streets of a recorded one. */

import { assert, assertEquals } from "@std/assert";
import { City, CityTraffic } from "../../src/demo/city.ts";
import type { Fix } from "../../src/demo/fixes.ts";
import { boundsOf, streetsOf } from "../../src/demo/streets.ts";
import { Driven } from "../../src/demo/summary.ts";

Deno.test("a city of the same seed has the same streets, and no crossing without one", () => {
  const [one, same, other] = [new City(1), new City(1), new City(2)];
  assertEquals(one.streets, same.streets);
  assert(JSON.stringify(one.streets) !== JSON.stringify(other.streets));
  assert(one.crossings.length > 300);
  assert(one.crossings.every(({ next }) => next.length > 0));
});

Deno.test("every car has a fix a second, numbered without a gap, and drives on from its last", () => {
  const cars = 40;
  const traffic = new CityTraffic(new City(), cars, 1_000);
  const fixes: Fix[] = [];
  for (let afterS = 0; afterS < 300; afterS += 0.37) fixes.push(...traffic.take(afterS));
  assertEquals(fixes.map(({ number }) => number), fixes.map((_, i) => i));
  const last = new Map<string, Fix>();
  const driven = new Driven();
  for (const fix of fixes) {
    const before = last.get(fix.driver);
    if (before) {
      assertEquals(fix.time - before.time, 1);
      const moved = Math.hypot(fix.lat - before.lat, fix.lon - before.lon);
      assert(moved < 0.0003, `${fix.driver} jumped by ${moved} degrees`);
    }
    last.set(fix.driver, fix);
    driven.add(fix);
  }
  assertEquals(last.size, cars);
  assertEquals(driven.fixes, fixes.length);
  assert(driven.rides > 0);
});

Deno.test("streets are where cabs drove from fix to fix, each once", () => {
  const fix = (time: number, lat: number, lon: number): Fix => ({
    number: time,
    driver: "d",
    time,
    lat,
    lon,
    occupied: false,
  });
  const there = [fix(0, 37.7, -122.4), fix(60, 37.704, -122.4)];
  const farAway = fix(120, 37.9, -122.4);
  const muchLater = fix(1_000, 37.9, -122.401);
  const streets = streetsOf([
    { driver: "d", fixes: [...there, farAway, muchLater] },
    { driver: "e", fixes: there },
  ]);
  assertEquals(streets, [[-122.4, 37.7, -122.4, 37.704]]);
  assertEquals(boundsOf(streets), { south: 37.7, north: 37.704, west: -122.4, east: -122.4 });
});
