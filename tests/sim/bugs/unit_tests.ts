/**
 * Checks whether the other tests see the bugs that the simulation finds. They should not: a bug
 * that they see needs no simulation, and says nothing about it.
 *
 *     deno run -A tests/sim/bugs/unit_tests.ts [--bug NAME] [tests/log tests/group …]
 */

import { parseArgs } from "node:util";
import { spawnChild } from "../../../src/demo/child.ts";
import { type Bug, BUGS } from "./bugs.ts";
import { plant } from "./plant.ts";
import { print } from "../../../src/demo/print.ts";

const FOLDERS = [
  "log",
  "group",
  "peers",
  "session",
  "fanout",
  "store",
  "protocol",
  "server",
  "client",
  "contracts",
  "e2e",
].map((name) => `tests/${name}`);

/** Runs tests in a copy with the bug; returns those that failed, or what else went wrong. */
async function failing(bug: Bug, folders: readonly string[]): Promise<readonly string[]> {
  await using planted = await plant(bug);
  const child = spawnChild(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--frozen",
      "--allow-all",
      "tests/run.ts",
      "test",
      "--no-check",
      ...folders,
    ],
    cwd: planted.folder,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
  });
  const { success, stdout } = await child.process.output();
  await child.end("SIGKILL");
  if (success) return [];
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const failed = lines.filter((line) => line.includes("FAILED") || line.startsWith("error"));
  return failed.length > 0 ? failed : lines.slice(-5);
}

if (import.meta.main) {
  const { values: { bug: name }, positionals } = parseArgs({
    options: { bug: { type: "string" } },
    allowPositionals: true,
  });
  const folders = positionals.length > 0 ? positionals : FOLDERS;
  const bugs = BUGS.filter((bug) => name === undefined || bug.name === name);
  let seen = 0;
  for (const bug of bugs) {
    const failed = await failing(bug, folders);
    print(`${bug.name}: ${failed.length === 0 ? "passed" : "failed"}`);
    for (const test of failed) print(`    ${test}`);
    if (failed.length > 0) seen++;
  }
  print(`bugs: ${bugs.length} planted, ${seen} seen by the tests in ${folders.join(" ")}`);
  Deno.exit(seen === 0 ? 0 : 1);
}
