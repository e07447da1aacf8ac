/**
 * Other runtimes than the tests' own, for what promises to run under all of them: a program that is
 * one ES module file is run by Node, Bun or Deno as a user would run it, and what it printed and how
 * it ended is all that a test learns.
 *
 * A Node without a global `WebSocket` (before 22) is as good as none. What the machine lacks, npm's
 * `npx` gets. Its Node is one of the oldest that will do, because that one is the least like a browser:
 * a connection that fails ends in `error` without a `close`, and `navigator.locks` is not there.
 * Where there is no `npx` either, `missingIn` is the sentence that says so, and tests of that runtime
 * are ignored; none are in `.ci/run`, which cannot even start without `npx`.
 */

import { onPath } from "./executables.ts";

export const runtimes = ["node", "bun", "deno"] as const;

export type Runtime = (typeof runtimes)[number];

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npx` gets when the machine has no such runtime, or too old a one. */
const pinned = { node: "node@22.23.3", bun: "bun@1.4.5" } as const;
/**
 * Prints which runtime runs it and from where, if it is one that will do. A `node` need not be Node:
 * Deno puts itself under that name on the `PATH` of what it runs where there is no other.
 */
const probe = `
  const name = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";
  if (globalThis.WebSocket) console.log(name, process.execPath);
`;
const probeMs = 120_000;
const ranMs = 60_000;

const found = new Map<Runtime, Promise<string | undefined>>();

/** `undefined` if the runtime can be run here, else one sentence that says what to install. */
export async function missingIn(runtime: Runtime): Promise<string | undefined> {
  if (await executableOf(runtime)) return undefined;
  const wanted = runtime === "node" ? "Node 22 or newer" : "Bun";
  return `${wanted} is missing: install it, or npm, whose npx gets it`;
}

/**
 * A test under each runtime; `run` is called with the runtime as `Deno.test` calls a test. Where a
 * runtime is missing its test is ignored, and its name says why.
 */
export async function runtimeTest(
  name: string,
  run: (runtime: Runtime) => Promise<void>,
): Promise<void> {
  for (const runtime of runtimes) {
    const missing = await missingIn(runtime);
    Deno.test({
      name: `${runtime}: ${name}${missing ? ` (${missing})` : ""}`,
      ignore: missing !== undefined,
      fn: () => run(runtime),
    });
  }
}

/**
 * Runs the ES module file `program` to its end. Throws if the runtime is missing, and after a minute,
 * in which no program here needs to run.
 */
export async function runUnder(
  runtime: Runtime,
  program: URL,
  args: readonly string[] = [],
): Promise<Ran> {
  const executable = await executableOf(runtime);
  if (executable === undefined) throw new Error(await missingIn(runtime));
  const before = runtime === "deno" ? ["run", "--quiet", "--no-config", "--allow-all"] : [];
  const ran = await output(executable, [...before, pathOf(program), ...args], ranMs);
  if (ran === undefined) throw new Error(`${program} ran longer than ${ranMs} ms under ${runtime}`);
  return ran;
}

function executableOf(runtime: Runtime): Promise<string | undefined> {
  const path = found.get(runtime) ?? find(runtime);
  found.set(runtime, path);
  return path;
}

async function find(runtime: Runtime): Promise<string | undefined> {
  if (runtime === "deno") return Deno.execPath();
  const installed = await onPath([runtime]);
  const path = installed && await probed(runtime, installed, []);
  if (path) return path;
  const npx = await onPath(["npx"]);
  return npx && await probed(runtime, npx, ["-y", "-p", pinned[runtime], "--", runtime]);
}

/** The path that the probe printed; `undefined` if it did not run, or not under this runtime. */
async function probed(
  runtime: Runtime,
  command: string,
  args: readonly string[],
): Promise<string | undefined> {
  const ran = await output(command, [...args, "-e", probe], probeMs);
  const line = ran?.code === 0 ? ran.stdout.trim() : "";
  return line.startsWith(`${runtime} `) ? line.slice(runtime.length + 1) : undefined;
}

/** What a command printed; `undefined` if it did not end in time, and was killed. */
async function output(
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<Ran | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal,
  }).output();
  if (signal.aborted) return undefined;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function pathOf(file: URL): string {
  return decodeURIComponent(file.pathname);
}
