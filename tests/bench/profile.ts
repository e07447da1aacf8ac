/**
 * Where the time and the memory of one row go: `deno task profile ROW [--seconds 10] [--top 30]`
 * runs the gateway under the row's load with V8's profiler, and prints self time by function and by
 * part of the program, and the memory in use before and after. Then it runs it again to count
 * allocations, and prints what each step of a record's way costs: microseconds of the main thread,
 * and bytes, for each incoming frame. The time profiles are kept, for a viewer.
 */

import { parseArgs } from "node:util";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { freePort } from "../support/free_port.ts";
import {
  allocationProfile,
  type CpuProfile,
  type Profile,
  type Share,
  summarise,
  timeProfile,
} from "./call_profile.ts";
import { Inspector } from "./inspector.ts";
import { onOwnCore } from "./own_core.ts";
import { type Core, counterOf, type Server, startGateway } from "./processes.ts";
import { type Bench, DRIVERS, FIXES, type Row } from "./row.ts";
import { ROWS } from "./rows.ts";
import { STEPS } from "./steps.ts";

const USAGE = "Usage: deno task profile ROW [--seconds 10] [--minutes 1] [--top 30]";
const MIB = 1 << 20;

interface Options {
  readonly row: Row;
  readonly seconds: number;
  readonly minutes: number;
  readonly top: number;
}

function options(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "10" },
      minutes: { type: "string", default: "1" },
      top: { type: "string", default: "30" },
    },
  });
  const row = ROWS.find(({ name }) => name === positionals[0]);
  const [seconds, minutes, top] = [values.seconds, values.minutes, values.top].map(Number);
  if (!row || !seconds || !minutes || !top) throw new Error(USAGE);
  return { row, seconds, minutes, top };
}

/** The results of the gateways that a row started. */
interface Profiled {
  readonly profiles: Profile[];
  /** Frames that clients sent. */
  frames: number;
}

/** What is done through each gateway's inspector when it has started and before it ends. */
interface Look {
  begun(inspector: Inspector, server: Server): Promise<void>;
  ending(inspector: Inspector, server: Server): Promise<void>;
}

/** Starts gateways with their inspectors open, and counts the frames that they get. */
function inspected(profiled: Profiled, look: Look, flags: readonly string[]): Bench["gateway"] {
  return async (env, core?: Core) => {
    const port = freePort();
    const all = ["--quiet", ...flags, `--inspect=127.0.0.1:${port}`];
    const server = await startGateway({ WEIR_REPORTS: "warn", ...env }, all, core);
    const inspector = await Inspector.connect(port);
    await look.begun(inspector, server);
    return {
      ...server,
      stop: async (signal) => {
        // One that is killed leaves no profile, so its frames do not count either.
        if (signal !== "SIGKILL") {
          await look.ending(inspector, server);
          profiled.frames += await counterOf(server, "frames_total");
        }
        await inspector.close();
        await server.stop(signal);
      },
    };
  };
}

/** Gateways whose time is profiled into `folder`, and whose memory is printed. */
function timed(folder: string, profiled: Profiled): Bench["gateway"] {
  const look: Look = {
    begun: (inspector, server) => tellMemory("at the start", server, inspector),
    ending: (inspector, server) => tellMemory("at the end", server, inspector),
  };
  return inspected(profiled, look, ["--cpu-prof", `--cpu-prof-dir=${folder}`]);
}

/** Gateways whose allocations are counted. */
function counted(profiled: Profiled): Bench["gateway"] {
  const look: Look = {
    begun: (inspector) => inspector.countAllocations(),
    async ending(inspector) {
      profiled.profiles.push(allocationProfile(await inspector.allocations()));
    },
  };
  return inspected(profiled, look, []);
}

async function tellMemory(when: string, server: Server, inspector: Inspector): Promise<void> {
  const { used, external } = await inspector.heap();
  const sizes = [
    `RSS ${mebibytes(server.rssBytes())}`,
    `heap in use, with its garbage, ${mebibytes(used)}`,
    `outside of the heap ${mebibytes(external)}`,
  ];
  print(`    ${when}: ${sizes.join(", ")}`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

async function readProfiles(folder: string): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const profile: CpuProfile = JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
    profiles.push(timeProfile(profile));
  }
  return profiles;
}

function table(title: string, shares: readonly Share[]): void {
  print(`\n    ${title.padEnd(9)}      ms     part`);
  for (const { name, took, part } of shares) {
    const cells = [took.toFixed(0).padStart(17), `${(part * 100).toFixed(1).padStart(6)} %`, name];
    print(`    ${cells.join("  ")}`);
  }
}

/** The steps of both profiles side by side, for each incoming frame. */
function tellSteps(time: Profiled, memory: Profiled): void {
  print(`\n    for each of ${time.frames.toLocaleString("en-US")} frames   µs      bytes`);
  const bytes = summarise(memory.profiles, STEPS).steps;
  for (const [i, { name, took }] of summarise(time.profiles, STEPS).steps.entries()) {
    const cells = [
      (took * 1_000 / time.frames).toFixed(2).padStart(17),
      ((bytes[i]?.took ?? 0) / memory.frames).toFixed(0).padStart(6),
      name,
    ];
    print(`    ${cells.join("  ")}`);
  }
}

async function load(row: Row, bench: Bench): Promise<void> {
  if (!("sides" in row)) {
    await row.figures(bench);
    return;
  }
  const ours = (await row.sides(bench)).find((side) => typeof side !== "string");
  await ours?.run(bench.ms);
}

async function main(): Promise<number> {
  const { row, seconds, minutes, top } = options(Deno.args);
  const folder = await Deno.makeTempDir({ prefix: "weir-profile-" });
  const bench = {
    ms: seconds * 1_000,
    repeats: 1,
    minutes,
    drivers: DRIVERS,
    isQuick: false,
    fixes: FIXES,
  };
  print(["deno task profile", ...Deno.args].join(" "));
  print(`\n${row.name}  ${row.load}`);
  const time: Profiled = { profiles: [], frames: 0 };
  await load(row, { ...bench, gateway: timed(folder, time) });
  time.profiles.push(...await readProfiles(folder));
  const { total, functions, groups } = summarise(time.profiles);
  print(`\n    at work for ${total.toFixed(0)} ms, the start among them; profiles: ${folder}`);
  table("functions", functions.slice(0, top));
  table("parts", groups);
  const memory: Profiled = { profiles: [], frames: 0 };
  await load(row, { ...bench, gateway: counted(memory) });
  tellSteps(time, memory);
  return 0;
}

if (import.meta.main) {
  await onOwnCore(import.meta.filename ?? "");
  await runProgram(main);
}
