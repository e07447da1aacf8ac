/**
 * A made-up city and its cars: slightly crooked streets between a few hundred crossings, up to a
 * shore. Each car drives from crossing to crossing, free or taken, and sends a fix per second. The
 * same seed gives the same streets.
 */

import type { Fix, Traffic } from "./fixes.ts";
import type { Streets } from "./streets.ts";

interface Crossing {
  readonly lat: number;
  readonly lon: number;
  readonly next: Crossing[];
}

interface Car {
  readonly driver: string;
  from: Crossing;
  to: Crossing;
  /** The share of the way that is driven. */
  driven: number;
  /** Degrees per second. */
  readonly speed: number;
  occupied: boolean;
  /** Seconds until it becomes free or taken. */
  secondsLeft: number;
}

const CENTRE = { lat: 37.77, lon: -122.43 };
const ROWS = 22;
const COLUMNS = 30;
const BLOCK = { lat: 0.0032, lon: 0.0042 };
/** Share of the streets that are left out. */
const MISSING = 0.12;

/** The streets and crossings of a city. */
export class City {
  readonly crossings: readonly Crossing[];
  readonly streets: Streets;

  constructor(seed = 1) {
    const random = randomFrom(seed);
    const grid = Array.from(
      { length: ROWS },
      (_, row) => Array.from({ length: COLUMNS }, (_, column) => crossing(row, column, random)),
    );
    const streets: number[][] = [];
    const build = (from: Crossing | undefined, to: Crossing | undefined) => {
      if (!from || !to || random() < MISSING) return;
      from.next.push(to);
      to.next.push(from);
      streets.push([from.lon, from.lat, to.lon, to.lat].map((at) => Math.round(at * 1e5) / 1e5));
    };
    for (const [row, crossings] of grid.entries()) {
      for (const [column, here] of crossings.entries()) {
        build(here, crossings[column + 1]);
        build(here, grid[row + 1]?.[column]);
        // One avenue runs across all blocks.
        if (row === Math.round(column * 0.7)) build(here, grid[row + 1]?.[column + 1]);
      }
    }
    this.streets = streets;
    this.crossings = grid.flat().filter((here) =>
      here !== undefined && here.next.length > 0
    ) as readonly Crossing[];
  }
}

/** Undefined where there is water. */
function crossing(row: number, column: number, random: () => number): Crossing | undefined {
  const [y, x] = [row / (ROWS - 1) - 0.5, column / (COLUMNS - 1) - 0.5];
  const shore = 0.46 + 0.05 * Math.sin(7 * Math.atan2(y, x)) + 0.03 * Math.sin(3 * x * y + 1);
  const bend = () => (random() - 0.5) * 0.5;
  const at = {
    lat: CENTRE.lat + ((row - ROWS / 2) + bend()) * BLOCK.lat,
    lon: CENTRE.lon + ((column - COLUMNS / 2) + bend()) * BLOCK.lon,
  };
  return Math.hypot(y, x) > shore ? undefined : { ...at, next: [] };
}

/** The cars of a city: each sends a fix per second, one after the other. */
export class CityTraffic implements Traffic {
  readonly isOver = false;
  readonly #cars: readonly Car[];
  readonly #random: () => number;
  readonly #beganS: number;
  #number = 0;

  constructor(city: City, cars: number, beganS: number, seed = 2) {
    const random = this.#random = randomFrom(seed);
    this.#beganS = beganS;
    this.#cars = Array.from({ length: cars }, (_, i) => {
      const from = pick(city.crossings, random);
      return {
        driver: `d${i}`,
        from,
        to: pick(from.next, random),
        driven: random(),
        speed: 0.00006 + random() * 0.00008,
        occupied: random() < 0.5,
        secondsLeft: random() * 120,
      };
    });
  }

  *take(afterS: number): Generator<Fix, void, undefined> {
    const cars = this.#cars.length;
    while (this.#number / cars <= afterS) {
      const number = this.#number++;
      const car = this.#cars[number % cars] as Car;
      this.#move(car);
      const { driver, from, to, driven, occupied } = car;
      yield {
        number,
        driver,
        time: this.#beganS + Math.floor(number / cars),
        lat: between(from.lat, to.lat, driven),
        lon: between(from.lon, to.lon, driven),
        occupied,
      };
    }
  }

  /** Moves a car by a second. */
  #move(car: Car): void {
    const random = this.#random;
    car.driven += car.speed / Math.hypot(car.to.lat - car.from.lat, car.to.lon - car.from.lon);
    if (car.driven >= 1) {
      const ahead = car.to.next.filter((crossing) => crossing !== car.from);
      [car.from, car.to] = [car.to, ahead.length === 0 ? car.from : pick(ahead, random)];
      car.driven = 0;
    }
    if (--car.secondsLeft > 0) return;
    car.occupied = !car.occupied;
    car.secondsLeft = car.occupied ? 40 + random() * 200 : 20 + random() * 120;
  }
}

function between(from: number, to: number, part: number): number {
  return Math.round((from + (to - from) * part) * 1e6) / 1e6;
}

function pick<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new RangeError("There is nothing to pick from");
  return one;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 4_294_967_296;
  };
}
