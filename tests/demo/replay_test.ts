import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { rideEvent } from "../../src/demo/fare_meter.ts";
import { type Fix, readShifts, schedule } from "../../src/demo/fixes.ts";
import { isWhole, type Summary } from "../../src/demo/summary.ts";

const HEADER = "cab\tunix_time\tlat\tlon\toccupied";

/** Cabs that drive for a while, free and taken in turn. */
function drives(cabs: number, fixes: number): string {
  const lines = [HEADER];
  for (let i = 0; i < fixes; i++) {
    for (let cab = 0; cab < cabs; cab++) {
      const occupied = Math.floor((i + cab) / 7) % 2;
      lines.push(
        `cab${cab}\t${1_211_018_400 + 60 * i + cab}\t37.7${i % 10}\t-122.4${cab}\t${occupied}`,
      );
    }
  }
  return lines.join("\n") + "\n";
}

async function withFile<T>(content: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".tsv" });
  try {
    await Deno.writeTextFile(path, content);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function replay(path: string, ...more: string[]) {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", "src/demo/replay.ts", path, ...more],
    stderr: "inherit",
  }).output();
  return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}

Deno.test("a replay loses and doubles nothing while consumers are killed and started", async () => {
  await withFile(drives(5, 240), async (path) => {
    const { code, lines } = await replay(path, "--drivers", "100", "--speed", "200");
    const last = lines.at(-1) ?? "";
    assertMatch(last, /^acknowledged 1200 {2}lost 0 {2}duplicated 0 {2}rides (\d+) of \1 /);
    assertStringIncludes(last, "rows 1200");
    assertEquals(code, 0, lines.join("\n"));
  });
});

Deno.test("a file that is none of fixes is refused with what is wrong", async () => {
  await withFile("a,b\n1,2\n", async (path) => {
    const { code, lines } = await replay(path);
    assertEquals(code, 1);
    assertStringIncludes(lines.join("\n"), "its first line is not");
  });
});

Deno.test("shifts have every fix once, and with five drivers a shift is a cab", async () => {
  await withFile(drives(5, 30), async (path) => {
    for (const drivers of [5, 40]) {
      const shifts = await readShifts(path, drivers);
      const numbers = shifts.flatMap(({ fixes }) => fixes.map(({ number }) => number));
      assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 150 }, (_, i) => i));
      for (const { driver, fixes } of shifts) {
        assertEquals(fixes.every((fix) => fix.driver === driver), true);
      }
      if (drivers === 5) assertEquals(shifts.map(({ driver }) => driver), cabs(5));
    }
  });
});

function cabs(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `cab${i}`);
}

Deno.test("all shifts begin at once, and a long break counts as a short one", async () => {
  await withFile(
    `${HEADER}\na\t100\t1\t1\t0\na\t99999\t1\t1\t0\nb\t5000\t1\t1\t0\n`,
    async (path) => {
      const due = schedule(await readShifts(path, 2));
      assertEquals(due.map(({ fix, afterS }) => [fix.driver, afterS]), [["a", 0], ["b", 0], [
        "a",
        120,
      ]]);
    },
  );
});

Deno.test("a ride begins when the cab is taken and ends, with a fare, when it is free", () => {
  const fix = (time: number, occupied: boolean): Fix => ({
    number: 0,
    driver: "d",
    time,
    lat: 37.7,
    lon: -122.4,
    occupied,
  });
  assertEquals(rideEvent(undefined, fix(0, false)), undefined);
  const began = rideEvent(undefined, fix(0, true));
  assertEquals(began?.event, "began");
  assertEquals(rideEvent(began, fix(60, true)), undefined);
  assertEquals(rideEvent(began, fix(600, false))?.fare, 3.5 + 0.55 * 10);
});

Deno.test("a summary is whole only if nothing is missing and nothing is there twice", () => {
  const whole: Summary = {
    fixes: 10,
    lost: 0,
    duplicated: 0,
    rides: 2,
    ridesDriven: 2,
    fares: 9,
    rows: 10,
    rowsDistinct: 10,
  };
  assertEquals(isWhole(whole), true);
  for (
    const flaw of [{ lost: 1 }, { duplicated: 1 }, { rides: 1 }, { rows: 11 }, { rowsDistinct: 9 }]
  ) {
    assertEquals(isWhole({ ...whole, ...flaw }), false);
  }
});
