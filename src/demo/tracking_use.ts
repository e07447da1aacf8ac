/**
 * Driver tracking, for the page: cars on a map, the groups that read them, and the page's actions.
 */

import { City, CityTraffic } from "./city.ts";
import { readShifts, Recording, schedule, type Traffic } from "./fixes.ts";
import type { Journal } from "./journal.ts";
import { type Bounds, boundsOf, type Streets, streetsOf } from "./streets.ts";
import { Tracking } from "./tracking.ts";
import { type Action, boolean, crewActions, type Use } from "./use.ts";

const MEMBERS = 3;
/**
 * The database takes this many times what the drivers send, so that it catches up after a pause.
 */
const ROOM = 2.5;

/** Where cars drive, and how fast time passes. */
export interface Drive {
  readonly traffic: Traffic;
  readonly streets: Streets;
  readonly bounds: Bounds;
  readonly drivers: number;
  readonly speed: number;
  readonly fixesPerSecond: number;
}

export function madeUpDrive(drivers: number): Drive {
  const city = new City();
  const traffic = new CityTraffic(city, drivers, Math.floor(Date.now() / 1_000));
  const bounds = boundsOf(city.streets);
  return { traffic, streets: city.streets, bounds, drivers, speed: 1, fixesPerSecond: drivers };
}

export async function recordedDrive(file: string, drivers: number, speed: number): Promise<Drive> {
  const shifts = await readShifts(file, drivers);
  const due = schedule(shifts);
  const streets = streetsOf(shifts);
  const fixesPerSecond = due.length / Math.max(1, (due.at(-1)?.afterS ?? 0) / speed);
  return {
    traffic: new Recording(due),
    streets,
    // A few trips across the bay and to the next airport should not make the city small on the map.
    bounds: boundsOf(shifts.map(({ fixes }) => fixes.flatMap(({ lon, lat }) => [lon, lat])), 0.04),
    drivers: shifts.length,
    speed,
    fixesPerSecond,
  };
}

export class TrackingUse implements Use {
  readonly name = "tracking";
  readonly actions: Readonly<Record<string, Action>>;
  readonly #drive: Drive;
  readonly #tracking: Tracking;

  private constructor(drive: Drive, tracking: Tracking, journal: Journal) {
    this.#drive = drive;
    this.#tracking = tracking;
    const { archive, surge } = tracking;
    this.actions = {
      ...crewActions(tracking.crews, journal.tell),
      database(wish) {
        archive.paused = boolean(wish, "paused");
        journal.tell(archive.paused ? "The database stopped" : "The database goes on");
      },
      rain(wish) {
        surge.raining = boolean(wish, "raining");
        journal.tell(surge.raining ? "It rains" : "The rain is over");
      },
    };
  }

  static async start(
    drive: Drive,
    { urls, folder, journal }: { urls: readonly string[]; folder: string; journal: Journal },
  ): Promise<TrackingUse> {
    const rowsPerSecond = Math.ceil(drive.fixesPerSecond * ROOM);
    const options = { urls, folder, rowsPerSecond, members: MEMBERS, tell: journal.tell };
    return new TrackingUse(drive, await Tracking.start(options), journal);
  }

  get crews() {
    return this.#tracking.crews;
  }

  about(): object {
    const { topics } = this.#tracking;
    const { streets, bounds, drivers, speed } = this.#drive;
    return { topics, streets, bounds, drivers, speed };
  }

  state(): object {
    const { archive, surge, drivers: { published, acknowledged }, driven } = this.#tracking;
    const { paused, rowsPerSecond } = archive;
    return {
      published,
      acknowledged,
      rides: driven.rides,
      database: { paused, rows: archive.rows, rowsPerSecond },
      surge: { ...surge.dearest(), raining: surge.raining },
    };
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#tracking.drive(this.#drive.traffic, this.#drive.speed, signal);
  }

  catchUp(): Promise<void> {
    return this.#tracking.catchUp();
  }

  count() {
    return this.#tracking.count();
  }

  close(): Promise<void> {
    return this.#tracking.close();
  }
}
