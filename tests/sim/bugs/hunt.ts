/**
 * Plants bugs and runs the simulation on each until it is found, under a name that says what it
 * does to clients: `deno task sim --bugs [--bug NAME] [--seeds 2000]`. A bug that is not found, or
 * only under another name, is one that the simulation would miss.
 */

import { spawnChild } from "../../../src/demo/child.ts";
import { type Bug, BUGS } from "./bugs.ts";
import { plant } from "./plant.ts";
import type { Sightings } from "./seeker.ts";

export interface Hunt {
  /** The bug to hunt; absent: all of them. */
  readonly name?: string;
  /** Seeds within which each must be found. */
  readonly seeds: number;
  /** Bugs hunted at a time, each on a core. */
  readonly jobs: number;
  readonly print: (line: string) => void;
}

/** Hunts them and prints a table; returns whether all were found. */
export async function huntAll({ name, seeds, jobs, print }: Hunt): Promise<boolean> {
  const bugs = BUGS.filter((bug) => name === undefined || bug.name === name);
  if (bugs.length === 0) throw new Error(`There is no bug ${name}: see tests/sim/bugs`);
  const width = Math.max(...bugs.map((bug) => bug.name.length));
  const row = (bug: string, finding: string, found: string) =>
    print(`${bug.padEnd(width)}  ${finding.padEnd(24)}  ${found}`);
  row("bug", "finding", "seeds to detection");
  let found = 0;
  const left = [...bugs];
  const work = async () => {
    for (let bug = left.shift(); bug; bug = left.shift()) {
      const { seed, kinds } = await hunt(bug, seeds);
      if (seed === undefined) {
        row(bug.name, `not ${bug.findings.join(", ")}`, `none of ${seeds}${others(kinds)}`);
        continue;
      }
      found++;
      row(bug.name, bug.findings.filter((kind) => kind in kinds).join(", "), String(seed));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  print(`bugs: ${bugs.length} planted, ${found} found`);
  return found === bugs.length;
}

/** Plants the bug and runs seeds until it is found by its name. */
export async function hunt(bug: Bug, seeds: number): Promise<Sightings> {
  await using planted = await plant(bug);
  const world = bug.world === undefined ? [] : ["--world", bug.world];
  const child = spawnChild(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--frozen", "--allow-all", "tests/sim/bugs/seeker.ts"],
      ...["--seeds", String(seeds), ...world],
      ...bug.findings.flatMap((kind) => ["--kind", kind]),
    ],
    cwd: planted.folder,
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await child.process.output();
  await child.end("SIGKILL");
  const text = new TextDecoder();
  if (!success) throw new Error(`${bug.name} cannot be hunted: ${text.decode(stderr)}`);
  return JSON.parse(text.decode(stdout));
}

/** The other names under which it was seen. */
function others(kinds: Sightings["kinds"]): string {
  const seen = Object.entries(kinds).map(([kind, seed]) => `${kind} in ${seed}`);
  return seen.length === 0 ? "" : `, but ${seen.join(", ")}`;
}
