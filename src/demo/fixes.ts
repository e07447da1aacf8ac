/**
 * GPS fixes, and the traffic that they come from. A recording is cut into shifts, one for each
 * simulated driver. The five cabs of the file drove for 23 days; cut into a thousand shifts that
 * all begin at once, they make a busy city.
 */

/** One GPS fix. `number` is its place in the file, so that records can be counted at the end. */
export interface Fix {
  readonly number: number;
  readonly driver: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly lat: number;
  readonly lon: number;
  readonly occupied: boolean;
}

/** A source of fixes: a made-up city, or a recorded one. */
export interface Traffic {
  /** There will be no more fixes. */
  readonly isOver: boolean;
  /** The fixes that are due by `afterS` seconds of the drive and were not taken before. */
  take(afterS: number): Iterable<Fix>;
}

export interface Shift {
  readonly driver: string;
  readonly fixes: readonly Fix[];
}

/** A break longer than this counts as this long. */
const LONGEST_BREAK_S = 120;

/** Reads the file and cuts it into about so many shifts; with five or fewer, a shift is a cab. */
export async function readShifts(path: string, drivers: number): Promise<Shift[]> {
  const [header = "", ...lines] = (await Deno.readTextFile(path)).trimEnd().split("\n");
  if (header.trim() !== "cab\tunix_time\tlat\tlon\toccupied") {
    throw new Error(
      `Cannot replay ${path}: its first line is not "cab unix_time lat lon occupied"`,
    );
  }
  const perShift = Math.ceil(lines.length / Math.max(1, drivers));
  const open = new Map<string, { driver: string; fixes: Fix[] }>();
  const shifts: Shift[] = [];
  for (const [number, line] of lines.entries()) {
    const [cab = "", time, lat, lon, occupied] = line.split("\t");
    let shift = open.get(cab);
    if (!shift || (drivers > 5 && shift.fixes.length >= perShift)) {
      shift = { driver: drivers > 5 ? `${cab}-${shifts.length}` : cab, fixes: [] };
      open.set(cab, shift);
      shifts.push(shift);
    }
    shift.fixes.push({
      number,
      driver: shift.driver,
      time: Number(time),
      lat: Number(lat),
      lon: Number(lon),
      occupied: occupied === "1",
    });
  }
  return shifts;
}

/** A fix and when it is due, in seconds of the drive since the start of its shift. */
export interface Due {
  readonly fix: Fix;
  readonly afterS: number;
}

/** All fixes in the order in which they are sent if all shifts begin at once. */
export function schedule(shifts: readonly Shift[]): Due[] {
  const due: Due[] = [];
  for (const { fixes } of shifts) {
    let afterS = 0;
    let last = fixes[0]?.time ?? 0;
    for (const fix of fixes) {
      afterS += Math.min(LONGEST_BREAK_S, Math.max(0, fix.time - last));
      last = fix.time;
      due.push({ fix, afterS });
    }
  }
  return due.sort((a, b) => a.afterS - b.afterS);
}

/** A recorded drive, as traffic. */
export class Recording implements Traffic {
  readonly #due: readonly Due[];
  #next = 0;

  constructor(due: readonly Due[]) {
    this.#due = due;
  }

  get isOver(): boolean {
    return this.#next >= this.#due.length;
  }

  *take(afterS: number): Generator<Fix, void, undefined> {
    for (
      let due = this.#due[this.#next];
      due && due.afterS <= afterS;
      due = this.#due[this.#next]
    ) {
      this.#next++;
      yield due.fix;
    }
  }
}
