import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PRODUCER } from "../../src/limits.ts";
import { Histories } from "../../src/log/histories.ts";
import { NONE } from "../../src/log/rows.ts";

type Place = [sequence: number, partition: number, base: number];

const REACH = 2 ** 32;

/** What a history is to hold, worked out from all that was ever added. */
class Model {
  #places = new Map<string, Place>();

  add(place: Place): void {
    const [sequence, partition] = place;
    const key = `${sequence}/${partition}`;
    if (!this.#places.has(key)) this.#places.set(key, place);
  }

  held(): Place[] {
    const all = [...this.#places.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const highest = all.at(-1)?.[0] ?? 0;
    const near = all.filter(([sequence]) => sequence > highest - REACH);
    const sequences = [...new Set(near.map(([sequence]) => sequence))];
    const lowest = sequences.at(-PRODUCER.window) ?? sequences[0] ?? 0;
    return near.filter(([sequence]) => sequence >= lowest);
  }
}

function heldBy(histories: Histories, row: number): Place[] {
  const held: Place[] = [];
  histories.each(row, (...place) => held.push(place));
  return held;
}

const bases = fc.oneof(fc.nat(), fc.nat({ max: 2 ** 48 - 1 }));
const partitions = fc.nat(3);
const rising = fc.array(fc.tuple(fc.nat(2), partitions, bases), { maxLength: 300, size: "max" })
  .map((steps) => {
    let sequence = 0;
    return steps.map(([step, ...place]): Place => [sequence += step, ...place]);
  });
const anyhow: fc.Arbitrary<Place[]> = fc.array(
  fc.tuple(fc.oneof(fc.nat(200), fc.maxSafeNat(), fc.nat({ max: 2 ** 33 })), partitions, bases),
  { maxLength: 200, size: "max" },
);

Deno.test("a history holds the 64 highest sequences with all their places, in whatever order they come", () => {
  fc.assert(fc.property(fc.oneof(rising, anyhow), (places) => {
    const histories = new Histories();
    const row = histories.open(1, NONE);
    const model = new Model();
    for (const place of places) {
      histories.add(row, ...place);
      model.add(place);
    }
    assertEquals(heldBy(histories, row), model.held());
    for (const [sequence, partition, base] of model.held()) {
      assertEquals(histories.find(row, sequence, partition), base);
      assertEquals(histories.find(row, sequence, 9), undefined);
    }
  }));
});

Deno.test("what is lower than a full history holds is past, and nothing else", () => {
  const histories = new Histories();
  const row = histories.open(1, NONE);
  assertEquals(histories.isPast(row, 0), false);
  for (let sequence = 100; sequence < 100 + PRODUCER.window; sequence++) {
    assertEquals(histories.isPast(row, 99), false);
    histories.add(row, sequence, 0, sequence);
  }
  assertEquals([99, 100, 1_000].map((sequence) => histories.isPast(row, sequence)), [
    true,
    false,
    false,
  ]);
});

Deno.test("histories that are closed and opened again never mix", () => {
  const commands = fc.array(fc.tuple(fc.nat(4), fc.nat(9), fc.nat(100), partitions, bases), {
    maxLength: 500,
    size: "max",
  });
  fc.assert(fc.property(commands, (all) => {
    const histories = new Histories();
    const open = new Map<number, { row: number; model: Model }>();
    for (const [which, kind, sequence, partition, base] of all) {
      const place: Place = [sequence, partition, base];
      const held = open.get(which);
      if (!held) open.set(which, { row: histories.open(which, NONE), model: new Model() });
      else if (kind === 0) {
        histories.close(held.row);
        open.delete(which);
      } else {
        histories.add(held.row, ...place);
        held.model.add(place);
      }
    }
    for (const { row, model } of open.values()) assertEquals(heldBy(histories, row), model.held());
  }));
});
