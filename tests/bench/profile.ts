/**
 * Where the time of one row goes: `deno task profile ROW [--seconds 10] [--top 30]` runs the gateway under
 * the row's load with V8's profiler, and prints what was at work itself, by function and by part of the
 * program, and what memory was in use before and after. The profiles stay, for a viewer.
 */

import { parseArgs } from "node:util";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { freePort } from "../support/free_port.ts";
import { type CpuProfile, type Share, summarise } from "./cpu_profile.ts";
import { heapOf } from "./inspector.ts";
import { onOwnCore } from "./own_core.ts";
import { type Core, type Server, startGateway } from "./processes.ts";
import { type Bench, FIXES, type Row } from "./row.ts";
import { ROWS } from "./rows.ts";

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

/** Starts gateways that write a profile into `folder` when they end, and say what memory they use. */
function profiled(folder: string): Bench["gateway"] {
  return async (env, core?: Core) => {
    const port = freePort();
    const flags = ["--quiet", "--cpu-prof", `--cpu-prof-dir=${folder}`];
    const server = await startGateway({ WEIR_REPORTS: "warn", ...env }, [
      ...flags,
      `--inspect=127.0.0.1:${port}`,
    ], core);
    await tellMemory("at the start", server, port);
    return {
      ...server,
      stop: async (signal) => {
        if (signal !== "SIGKILL") await tellMemory("at the end", server, port);
        await server.stop(signal);
      },
    };
  };
}

async function tellMemory(when: string, server: Server, port: number): Promise<void> {
  const { used, external } = await heapOf(port);
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

async function readProfiles(folder: string): Promise<CpuProfile[]> {
  const profiles: CpuProfile[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    profiles.push(JSON.parse(await Deno.readTextFile(`${folder}/${name}`)));
  }
  return profiles;
}

function table(title: string, shares: readonly Share[]): void {
  print(`\n    ${title.padEnd(9)}      ms     part`);
  for (const { name, ms, part } of shares) {
    const cells = [ms.toFixed(0).padStart(17), `${(part * 100).toFixed(1).padStart(6)} %`, name];
    print(`    ${cells.join("  ")}`);
  }
}

async function main(): Promise<number> {
  const { row, seconds, minutes, top } = options(Deno.args);
  const folder = await Deno.makeTempDir({ prefix: "weir-profile-" });
  const bench: Bench = {
    ms: seconds * 1_000,
    repeats: 1,
    minutes,
    isQuick: false,
    fixes: FIXES,
    gateway: profiled(folder),
  };
  print(["deno task profile", ...Deno.args].join(" "));
  print(`\n${row.name}  ${row.load}`);
  if ("sides" in row) {
    const ours = (await row.sides(bench)).find((side) => typeof side !== "string");
    await ours?.run(bench.ms);
  } else await row.figures(bench);
  const { busyMs, functions, groups } = summarise(await readProfiles(folder));
  print(`\n    at work for ${busyMs.toFixed(0)} ms, the start among them; profiles: ${folder}`);
  table("functions", functions.slice(0, top));
  table("parts", groups);
  return 0;
}

if (import.meta.main) {
  await onOwnCore(import.meta.filename ?? "");
  await runProgram(main);
}
