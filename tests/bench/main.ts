/**
 * The benchmarks: `deno task bench [--rows P1,P4] [--seconds 5] [--repeats 3] [--minutes 1]
 * [--drivers 100000] [--quick]`.
 *
 * The gateway runs on one core, the driver on another; what it is compared with runs in the same
 * repeat, in turn with it, so that a slow minute of the machine affects both. Figures are medians
 * of the repeats. Nothing is asserted: the table is for people.
 */

import { parseArgs } from "node:util";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { machine } from "./machine.ts";
import { onOwnCore } from "./own_core.ts";
import { DRIVER_CORE, pinned, SERVER_CORE, startGateway } from "./processes.ts";
import { type Bench, DRIVERS, FIXES, type Row } from "./row.ts";
import { ROWS } from "./rows.ts";
import { runRow } from "./run_row.ts";
import { FOOTNOTE } from "./table.ts";
import { versions } from "./versions.ts";

/** A hurried run has a minute for all rows: none begins later than this. */
const LAST_BEGINNING_MS = 45_000;
const QUICK = { seconds: "1", repeats: "1", drivers: DRIVERS / 10 };
const THOROUGH = { seconds: "5", repeats: "3", drivers: DRIVERS };

interface Options {
  readonly bench: Bench;
  /** Rows for which there is no time are left out. */
  readonly isHurried: boolean;
  readonly rows: readonly Row[];
}

function options(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: "string" },
      seconds: { type: "string" },
      repeats: { type: "string" },
      minutes: { type: "string", default: "1" },
      drivers: { type: "string" },
      fixes: { type: "string", default: FIXES },
      quick: { type: "boolean", default: false },
    },
  });
  const { quick: isQuick, fixes } = values;
  const { seconds, repeats, drivers } = isQuick ? QUICK : THOROUGH;
  const [ms, times, minutes, count] = [
    Number(values.seconds ?? seconds) * 1_000,
    Number(values.repeats ?? repeats),
    Number(values.minutes),
    Number(values.drivers ?? drivers),
  ];
  if (!(ms > 0) || !(times >= 1) || !(minutes > 0) || !(count >= 1)) {
    throw new Error("--seconds, --repeats, --minutes and --drivers must be above 0");
  }
  return {
    bench: {
      ms,
      repeats: times,
      minutes,
      drivers: Math.floor(count),
      isQuick,
      fixes,
      gateway: (env, core) => startGateway({ WEIR_REPORTS: "warn", ...env }, [], core),
    },
    isHurried: isQuick && values.rows === undefined,
    rows: chosen(values.rows?.split(","), isQuick),
  };
}

/** The named rows, or all except those that run only if named. */
function chosen(names: readonly string[] | undefined, isQuick: boolean): readonly Row[] {
  if (!names) return ROWS.filter((row) => isQuick ? row.isQuick : !row.onlyIfNamed);
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown === undefined) return ROWS.filter(({ name }) => names.includes(name));
  const known = [...new Set(ROWS.map(({ name }) => name))].join(", ");
  throw new Error(`There is no row ${unknown}; there are ${known}`);
}

/** Returns 0 if all rows were completed. */
async function main(): Promise<number> {
  const { bench, isHurried, rows } = options(Deno.args);
  const { model, cores } = machine();
  print(["deno task bench", ...Deno.args].join(" "));
  print(`${model}, ${cores} cores`);
  if (pinned(SERVER_CORE).length > 0) {
    print(`what is measured is kept on core ${SERVER_CORE}, its driver on core ${DRIVER_CORE}`);
  }
  for (const line of await versions()) print(line);
  const failed: string[] = [];
  for (const row of rows) {
    if (isHurried && performance.now() > LAST_BEGINNING_MS) {
      print(`\n${row.name}  is left out: there is no time for it`);
    } else failed.push(...await failure(row, bench));
  }
  print(`\n${FOOTNOTE}`);
  if (failed.length > 0) print(`Not all of it could be measured: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

/** A row that fails does not prevent the others. */
async function failure(row: Row, bench: Bench): Promise<string[]> {
  try {
    await runRow(row, bench);
    return [];
  } catch (error) {
    print(`    failed: ${error instanceof Error ? error.message : error}`);
    return [row.name];
  }
}

if (import.meta.main) {
  await onOwnCore(import.meta.filename ?? "");
  await runProgram(main);
}
