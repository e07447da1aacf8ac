/**
 * What came of it, counted from the records themselves: every fix of the file must stand once in the
 * log and once in the archive, and the rides must be those that the file has.
 */

import type { Archive } from "./archive.ts";
import { readAll, type RideEvent, rideEvent } from "./fare_meter.ts";
import type { Shift } from "./fixes.ts";

export interface Summary {
  readonly fixes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly rides: number;
  readonly ridesInFile: number;
  readonly fares: number;
  readonly rows: number;
  readonly rowsDistinct: number;
}

export async function summarise(
  url: string,
  topics: { fixes: string; rides: string; partitions: number },
  shifts: readonly Shift[],
  archive: Archive,
): Promise<Summary> {
  const fixes = shifts.reduce((sum, shift) => sum + shift.fixes.length, 0);
  const seen = new Map<number, number>();
  let rides = 0;
  let fares = 0;
  for (let partition = 0; partition < topics.partitions; partition++) {
    for await (const { value } of readAll(url, topics.fixes, partition)) {
      const number = Number(value["number"]);
      seen.set(number, (seen.get(number) ?? 0) + 1);
    }
    for await (const { value } of readAll(url, topics.rides, partition)) {
      const { event, fare = 0 } = value as unknown as RideEvent;
      if (event === "ended") rides++;
      fares += fare;
    }
  }
  const { rows, distinct } = archive.count();
  return {
    fixes,
    lost: fixes - seen.size,
    duplicated: [...seen.values()].reduce((sum, times) => sum + times - 1, 0),
    rides,
    ridesInFile: shifts.reduce((sum, shift) => sum + ridesOf(shift), 0),
    fares: Math.round(fares),
    rows,
    rowsDistinct: distinct,
  };
}

/** Whether nothing is missing and nothing is there twice. */
export function isWhole(summary: Summary): boolean {
  const { fixes, lost, duplicated, rides, ridesInFile, rows, rowsDistinct } = summary;
  return lost === 0 && duplicated === 0 && rides === ridesInFile &&
    rows === fixes && rowsDistinct === fixes;
}

function ridesOf({ fixes }: Shift): number {
  let ride: RideEvent | undefined;
  let ended = 0;
  for (const fix of fixes) {
    const event = rideEvent(ride, fix);
    if (!event) continue;
    if (event.event === "ended") ended++;
    ride = event.event === "began" ? event : undefined;
  }
  return ended;
}
