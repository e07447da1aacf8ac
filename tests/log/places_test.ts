import { assert, assertEquals } from "@std/assert";
import { Places } from "../../src/log/places.ts";

Deno.test("a place keeps its sequence, its partition and its base, however large", () => {
  const places = new Places();
  const highest = 2 ** 53 - 1;
  const table = [
    [highest, 0, 0],
    [highest - 2 ** 32 + 1, 255, 2 ** 48 - 1],
    [highest - 5, 127, 2 ** 32],
  ] as const;
  for (const [sequence, partition, base] of table) {
    const place = places.start(sequence, partition, base);
    assertEquals(
      [places.sequence(place, highest), places.partition(place), places.base(place)],
      [sequence, partition, base],
    );
  }
});

Deno.test("a chain is gone through in its order, over chunks and pages", () => {
  const places = new Places();
  const first = places.start(0, 0, 0);
  let last = first;
  for (let i = 1; i < 50_000; i++) last = places.append(last, i, i % 256, 3 * i);
  let place = first;
  for (let i = 0; i < 50_000; i++) {
    assertEquals([places.sequence(place, 49_999), places.base(place)], [i, 3 * i]);
    if (place !== last) place = places.after(place);
  }
});

Deno.test("chunks that are given back are used again", () => {
  const places = new Places();
  let first = places.start(0, 0, 0);
  let last = first;
  for (let i = 1; i < 64; i++) last = places.append(last, i, 0, i);
  const most = last;
  for (let i = 64; i < 10_000; i++) {
    last = places.append(last, i, 0, i);
    first = places.dropFirst(first);
    assert(last <= most + 8, "a chain of 64 never takes more chunks");
  }
  places.free(first, last);
  for (let i = 0; i < 16; i++) assert(places.start(i, 0, 0) <= most + 8);
});
