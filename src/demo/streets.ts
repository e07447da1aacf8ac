/** Streets for a map that needs no external service. */

import type { Fix, Shift } from "./fixes.ts";

/** The area of a map, in degrees. */
export interface Bounds {
  readonly south: number;
  readonly west: number;
  readonly north: number;
  readonly east: number;
}

/** Lines of lon, lat, lon, lat, … */
export type Streets = readonly (readonly number[])[];

/** About 40 metres: streets closer than this are one. */
const GRID = 0.0004;
const LONGEST_S = 75;
const LONGEST = 0.006;

/** The streets that were driven: from each fix to the next, if they are close enough. */
export function streetsOf(shifts: readonly Shift[]): Streets {
  const seen = new Set<string>();
  const streets: number[][] = [];
  for (const { fixes } of shifts) {
    for (const [i, to] of fixes.entries()) {
      const from = fixes[i - 1];
      if (!from || to.time - from.time > LONGEST_S || !isNear(from, to)) continue;
      const line = [from.lon, from.lat, to.lon, to.lat].map(snap);
      const name = line.join();
      if (seen.has(name)) continue;
      seen.add(name);
      streets.push(line);
    }
  }
  return streets;
}

/** The area of these lines, without the outermost part (`rarest`) of their points on each side. */
export function boundsOf(streets: Streets, rarest = 0): Bounds {
  const lons = streets.flatMap((line) => line.filter((_, i) => i % 2 === 0)).sort((a, b) => a - b);
  const lats = streets.flatMap((line) => line.filter((_, i) => i % 2 === 1)).sort((a, b) => a - b);
  const at = (sorted: readonly number[], part: number) =>
    sorted[Math.round(part * (sorted.length - 1))] ?? 0;
  return {
    south: at(lats, rarest),
    west: at(lons, rarest),
    north: at(lats, 1 - rarest),
    east: at(lons, 1 - rarest),
  };
}

function isNear(from: Fix, to: Fix): boolean {
  return Math.hypot(to.lat - from.lat, to.lon - from.lon) < LONGEST;
}

function snap(degrees: number): number {
  return Math.round(Math.round(degrees / GRID) * GRID * 10_000) / 10_000;
}
