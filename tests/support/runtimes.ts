/**
 * Runs programs that must work in every runtime: an ES module file is run by Node, Bun or Deno as a
 * user would run it, and a test gets only its output and exit code.
 *
 * A Node without a global `WebSocket` (before 22) counts as missing. npm's `npx` provides missing
 * runtimes. Its Node is one of the oldest that suffice, because that one is least like a browser: a
 * failed connection ends in `error` without a `close`, and there is no `navigator.locks`. If there
 * is no `npx` either, `missingIn` returns a sentence that says so, and tests of that runtime are
 * ignored; in `.ci/run` none are, since it cannot even start without `npx`.
 */

import { onPath } from "./executables.ts";

export const runtimes = ["node", "bun", "deno"] as const;

export type Runtime = (typeof runtimes)[number];

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npx` fetches if the machine has no such runtime, or one that is too old. */
const pinned = { node: "node@22.23.3", bun: "bun@1.4.5" } as const;
/**
 * Prints which runtime runs it, and from where, if it is a suitable one. A `node` need not be Node:
 * where there is none, Deno puts itself on the `PATH` of its subprocesses under that name.
 */
const probe = `
  const name = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";
  if (globalThis.WebSocket) console.log(name, process.execPath);
`;
const probeMs = 120_000;
const ranMs = 60_000;

const found = new Map<Runtime, Promise<string | undefined>>();

/** `undefined` if the runtime can be run here, else a sentence that says what to install. */
export async function missingIn(runtime: Runtime): Promise<string | undefined> {
  if (await executableOf(runtime)) return undefined;
  const wanted = runtime === "node" ? "Node 22 or newer" : "Bun";
  return `${wanted} is missing: install it, or npm, whose npx gets it`;
}

/**
 * A test under each runtime; `run` is called with the runtime, in a `Deno.test`. If a runtime is
 * missing, its test is ignored, and its name says why.
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
 * Runs the ES module file `program` to its end. Throws if the runtime is missing, or after a
 * minute, which is more than any program here needs.
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

/** The path that the probe printed; `undefined` if it did not run, or ran in another runtime. */
async function probed(
  runtime: Runtime,
  command: string,
  args: readonly string[],
): Promise<string | undefined> {
  const ran = await output(command, [...args, "-e", probe], probeMs);
  const line = ran?.code === 0 ? ran.stdout.trim() : "";
  return line.startsWith(`${runtime} `) ? line.slice(runtime.length + 1) : undefined;
}

/** The output of a command; `undefined` if it did not end in time, and was killed. */
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
