/**
 * The result, counted from the records themselves: every fix that was driven must be in the log
 * once and in the archive once, and the rides must be those that were driven.
 */

import type { Client } from "../client/mod.ts";
import type { Archive } from "./archive.ts";
import { type RideEvent, rideEvent } from "./fare_meter.ts";
import type { Fix } from "./fixes.ts";
import type { GatewayApi } from "./gateway_api.ts";
import { readPartition } from "./read_all.ts";

export interface Summary {
  readonly fixes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly rides: number;
  readonly ridesDriven: number;
  readonly fares: number;
  readonly rows: number;
  readonly rowsDistinct: number;
}

/** What was driven, which the log should have. */
export class Driven {
  readonly #rides = new Map<string, RideEvent>();
  fixes = 0;
  rides = 0;

  add(fix: Fix): void {
    this.fixes++;
    const event = rideEvent(this.#rides.get(fix.driver), fix);
    if (event?.event === "began") this.#rides.set(fix.driver, event);
    if (event?.event !== "ended") return;
    this.#rides.delete(fix.driver);
    this.rides++;
  }
}

export interface Topics {
  readonly fixes: string;
  readonly rides: string;
  readonly partitions: number;
}

export async function summarise(
  client: Client,
  api: GatewayApi,
  topics: Topics,
  driven: Driven,
  archive: Archive,
): Promise<Summary> {
  /** How often each fix is in the log, by its number. */
  const times = new Map<number, number>();
  let rides = 0;
  let fares = 0;
  for (let partition = 0; partition < topics.partitions; partition++) {
    for await (const { value } of readPartition<Fix>(client, api, topics.fixes, partition)) {
      times.set(value.number, (times.get(value.number) ?? 0) + 1);
    }
    for await (const { value } of readPartition<RideEvent>(client, api, topics.rides, partition)) {
      if (value.event === "ended") rides++;
      fares += value.fare ?? 0;
    }
  }
  const { rows, distinct } = archive.count();
  return {
    fixes: driven.fixes,
    lost: driven.fixes - times.size,
    duplicated: [...times.values()].reduce((sum, count) => sum + count - 1, 0),
    rides,
    ridesDriven: driven.rides,
    fares: Math.round(fares),
    rows,
    rowsDistinct: distinct,
  };
}

/** Whether nothing is missing or duplicated. */
export function isWhole(summary: Summary): boolean {
  const { fixes, lost, duplicated, rides, ridesDriven, rows, rowsDistinct } = summary;
  return lost === 0 && duplicated === 0 && rides === ridesDriven &&
    rows === fixes && rowsDistinct === fixes;
}

export function summaryLine(summary: Summary, acknowledged: number): string {
  const { lost, duplicated, rides, ridesDriven, fares, rows } = summary;
  return `acknowledged ${acknowledged}  lost ${lost}  duplicated ${duplicated}  ` +
    `rides ${rides} of ${ridesDriven}  fares $${fares}  rows ${rows}`;
}
