/** Keeps a program that drives a load off the core of the server under test. */

import { DRIVER_CORE, pinned } from "./processes.ts";

const MARK = "BENCH_ON_OWN_CORE";

/** Runs the program again pinned to its own core, unless it is already. */
export async function onOwnCore(program: string): Promise<void> {
  const [command, ...rest] = pinned(DRIVER_CORE);
  if (!command || Deno.env.get(MARK)) return;
  const child = new Deno.Command(command, {
    args: [...rest, Deno.execPath(), "run", "-A", "--unstable-kv", program, ...Deno.args],
    env: { [MARK]: "yes" },
  }).spawn();
  Deno.exit((await child.status).code);
}
