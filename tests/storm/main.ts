/**
 * The storm: `deno task storm [--clients 5000] [--gateways 3] [--seed N]`. All clients of a gateway
 * that is restarted come back at once, if nothing spreads them: here it is seen what does, and that
 * nothing is lost meanwhile. A gateway after the other drains (SIGTERM) and is started again, then
 * all are killed (SIGKILL) at once.
 *
 *     100 % back     since the signal, until each client of these gateways follows again
 *     away p99       for how long a client had no subscription, of 99 in 100 of them
 *     connections    that gateways were asked for; most/s of them all, and at one gateway
 *     gap p99        the longest that a record waited for its follower, of 99 in 100 of them
 *     stood still    the longest that nothing was acknowledged to one producer, and to all of it
 */

import { parseArgs } from "node:util";
import { readSettings } from "../../src/config.ts";
import { print } from "../../src/demo/print.ts";
import { runProgram } from "../../src/demo/program.ts";
import { isWell, storm } from "./storm.ts";

const USAGE = "Usage: deno task storm [--clients 5000] [--gateways 3] [--seed N]";
const CALM_MS = 6_000;
const RECORDS_PER_SECOND = 200;

interface Numbers {
  readonly clients: number;
  readonly gateways: number;
  readonly seed: number;
}

function numbers(args: string[]): Numbers {
  const { values } = parseArgs({
    args,
    options: {
      clients: { type: "string", default: "5000" },
      gateways: { type: "string", default: "3" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const clients = Number(values.clients);
  const gateways = Number(values.gateways);
  const seed = Number(values.seed);
  const fits = [clients, gateways, seed].every(Number.isInteger) && clients >= 1 && gateways >= 2;
  if (!fits) throw new Error(USAGE);
  return { clients, gateways, seed };
}

async function main(): Promise<number> {
  const { clients, gateways, seed } = numbers(Deno.args);
  print(`deno task storm --clients ${clients} --gateways ${gateways} --seed ${seed}`);
  const outcome = await storm({
    clients,
    gateways,
    seed,
    drainMs: readSettings({}).drainMs,
    calmMs: CALM_MS,
    recordsPerSecond: RECORDS_PER_SECOND,
    kills: true,
    print,
  });
  return isWell(outcome) ? 0 : 1;
}

if (import.meta.main) await runProgram(main);
