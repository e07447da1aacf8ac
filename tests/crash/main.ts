/**
 * The crash test: `deno task crash [--rounds 50] [--seed N]`.
 *
 * The gateway is killed with SIGKILL at a random moment under load and started again on the same
 * file, round after round, while the driver goes on. At the end the log is read from its start and
 * held against every acknowledgement that the driver wrote down.
 */

import { pause } from "../../src/demo/pause.ts";
import { parseArgs } from "node:util";
import { freePort } from "../support/free_port.ts";
import { mulberry32 } from "../support/test_host.ts";
import { type History, readHistory, verify } from "./history.ts";
import { print } from "../../src/demo/print.ts";

const PARTITIONS = 8;
const TOPIC = "crash";
const STARTUP_MS = 20_000;

/** What came of a run; all but the first three must be 0. */
export interface Outcome {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly recordsPerSecond: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly commitsGoneBack: number;
}

export async function crash(rounds: number, seed: number): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "weir-crash-" });
  const random = mulberry32(seed);
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  let gateway = await startGateway(folder, port);
  const body = JSON.stringify({ partitions: PARTITIONS });
  const made = await fetch(`${url}/v1/topics/${TOPIC}`, { method: "PUT", body });
  await made.body?.cancel();
  const path = `${folder}/history.txt`;
  const driver = run(["tests/crash/driver.ts", url, TOPIC, path], {});
  const begun = performance.now();
  let counted = 0;
  let seen = 0;
  try {
    while (counted < rounds) {
      await pause(100 + random() * 4_900);
      gateway.kill("SIGKILL");
      await gateway.status;
      gateway = await startGateway(folder, port);
      const history = await historyBeyond(path, seen);
      seen = history.losses.length;
      if (history.losses.some((loss) => loss.unanswered + loss.duplicates > 0)) counted++;
      report(counted, rounds, history);
    }
    const seconds = (performance.now() - begun) / 1_000;
    driver.kill("SIGKILL");
    await driver.status;
    const history = await readHistory(path);
    const verdict = await verify(url, TOPIC, PARTITIONS, history);
    const acknowledged = history.records;
    return { rounds, acknowledged, recordsPerSecond: acknowledged / seconds, ...verdict };
  } finally {
    try {
      driver.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    gateway.kill("SIGTERM");
    await gateway.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** The history, once the driver has noticed the loss and gone on. */
async function historyBeyond(path: string, losses: number): Promise<History> {
  const deadline = performance.now() + STARTUP_MS;
  for (;;) {
    const history = await readHistory(path);
    if (history.losses.length > losses) return history;
    if (performance.now() > deadline) throw new Error("The driver does not go on");
    await pause(50);
  }
}

async function startGateway(folder: string, port: number): Promise<Deno.ChildProcess> {
  const gateway = run(["src/main.ts"], {
    PORT: String(port),
    WEIR_STORE: `${folder}/weir.kv`,
    WEIR_SESSION_TIMEOUT_MS: "5000",
    WEIR_HEARTBEAT_MS: "2000",
  });
  const deadline = performance.now() + STARTUP_MS;
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      await response.body?.cancel();
      if (response.ok) return gateway;
    } catch {
      // It does not listen yet.
    }
    if (performance.now() > deadline) throw new Error("The gateway does not come up");
    await pause(20);
  }
}

function run(args: string[], env: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", ...args],
    env,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

function report(counted: number, rounds: number, history: History): void {
  const { records, duplicates, commits } = history;
  print(
    `round ${counted} of ${rounds}: ${records} records acknowledged, ` +
      `${duplicates} publishes answered duplicate, ${commits} commits`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      rounds: { type: "string", default: "50" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const outcome = await crash(Number(values.rounds), Number(values.seed));
  const { acknowledged, lost, duplicated, commitsGoneBack } = outcome;
  print(
    `crash: ${outcome.rounds} rounds (seed ${values.seed}), ${acknowledged} records acknowledged ` +
      `(${Math.round(outcome.recordsPerSecond)} a second, restarts included), lost ${lost}, ` +
      `duplicated ${duplicated}, commits gone back ${commitsGoneBack}`,
  );
  Deno.exit(lost + duplicated + commitsGoneBack === 0 ? 0 : 1);
}
