/**
 * What others feel of one who misbehaves: `deno task abuse [--only NAME,NAME] [--open] [--quick]`. The
 * gateway runs on one core over a file. Sockets that do nothing wrong publish to others at half of
 * what goes through at most, in turn without an abuser and with one, which runs as a process behind
 * them on their core. The gateway has a key and default limits, as in the open network, and an abuser
 * has as many addresses and accounts as let all of its sockets in; `--open`: it has no key, so there
 * is no limit by address or by subject.
 *
 *     lanes       sockets at a time, each of which does it again and again
 *     p50, p99    from a record's publish until another socket has it: the median of the windows
 *                 without the abuse, and how far these are apart; the median of those with it, and
 *                 the median change from one to the other within a pair
 *     cost        resident memory while it lasts, less what there was before: median, most, by lane
 *     bound       what the limits let it cost, with what the gateway itself takes now and then
 *     goal        no more than 20 % slower, or than the windows without it are apart
 *     afterwards  what the heap holds and what is resident some time after each round's end; where
 *                 that rises over five rounds, five more show whether it goes on to
 *
 * Of three rows at a time, each with a gateway of its own, one measures while the others rest. The
 * first two are for comparison: nothing is done, and the core is kept busy. An abuser that
 * fails takes no other with it. It exits with 1 where a record was lost, doubled or refused, an
 * abuser cost more than its bound, memory went on to rise from round to round, or an abuser failed;
 * the goal is for reading.
 */

import { parseArgs } from "node:util";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { DRIVER_CORE, moveTo } from "../bench/processes.ts";
import { type AbuserName, ABUSERS, isAbuser } from "./abusers.ts";
import type { Access } from "./access.ts";
import { Machine } from "./machine.ts";
import { type Pace, run } from "./run.ts";
import { HEADING, isWell, rowLines } from "./table.ts";

const NAMES = Object.keys(ABUSERS).filter(isAbuser);
const USAGE = `Usage: deno task abuse [--only NAME,NAME] [--open] [--quick]; there are ${
  NAMES.join(", ")
}`;

const THOROUGH: Pace = {
  size: "full",
  warmUps: 1,
  rounds: 5,
  pairs: 16,
  capacityMs: 5_000,
  windowMs: 10_000,
  // With its window, longer than a reader that stops is waited for.
  settleMs: 3_000,
  restMs: 60_000,
};
const QUICK: Pace = {
  ...THOROUGH,
  warmUps: 0,
  rounds: 1,
  capacityMs: 2_000,
  windowMs: 5_000,
  settleMs: 1_000,
  restMs: 5_000,
};

/** So many rows fill the time that each of them rests. */
const ROWS_AT_A_TIME = 3;

interface Options {
  readonly names: readonly AbuserName[];
  readonly access: Access;
  readonly pace: Pace;
}

function options(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      open: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
    },
  });
  const wanted = values.only?.split(",") ?? NAMES;
  const names = wanted.filter(isAbuser);
  if (names.length < wanted.length) throw new Error(USAGE);
  const access = values.open ? "open" : "keyed";
  return { names, access, pace: values.quick ? QUICK : THOROUGH };
}

async function main(): Promise<number> {
  const { names, access, pace } = options(Deno.args);
  await moveTo(DRIVER_CORE);
  print(["deno task abuse", ...Deno.args].join(" "));
  print(`Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ${Deno.build.target}`);
  print(
    `${pace.rounds} × ${pace.windowMs / 1_000} s without and with it; ` +
      `memory ${pace.restMs / 1_000} s after its end\n\n${HEADING}`,
  );
  const machine = new Machine();
  const left = [...names];
  let failed = 0;
  const rowAfterRow = async () => {
    for (let name = left.shift(); name; name = left.shift()) {
      try {
        const row = await run({ name, access, pace, machine });
        for (const line of rowLines(row)) print(line);
        if (!isWell(row)) failed++;
      } catch (error) {
        print(`${name} failed: ${error instanceof Error ? error.message : error}`);
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: ROWS_AT_A_TIME }, rowAfterRow));
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) await runProgram(main);
