/**
 * Centrifugo's engine as a separate process: the small program in `centrifuge/`, which is built
 * with Go on first use, and again when it has changed. Without Go, `centrifugeMissing` is a
 * sentence that says so.
 *
 * It keeps its history in memory, and its acknowledgements mean no more: nothing is durable.
 */

import { isFile, onPath, said } from "../../support/executables.ts";
import { type Server, startProgram } from "../processes.ts";
import { showOnce } from "./shown_once.ts";

const source = new URL("centrifuge/", import.meta.url);
const kept = new URL("../../../.bench/", import.meta.url);
const installed = "/usr/local/go/bin/go";
const go = await onPath(["go"]) ?? (await isFile(installed) ? installed : undefined);

/** Why there is no row of Centrifugo's engine, if there is none. */
export const centrifugeMissing = go
  ? undefined
  : "Go is missing, which builds github.com/centrifugal/centrifuge: install Go 1.26 or newer";

/** The path of the built program, which depends on its sources. */
async function builtProgram(): Promise<string> {
  const files = ["main.go", "go.mod", "go.sum"].map((name) => new URL(name, source));
  const text = (await Promise.all(files.map((file) => Deno.readTextFile(file)))).join("");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new URL(`centrifuge-${new Uint8Array(hash).toHex().slice(0, 16)}`, kept).pathname;
}

/** Whether it is built already, so that it starts at once. */
export async function isCentrifugeBuilt(): Promise<boolean> {
  return await isFile(await builtProgram());
}

async function build(): Promise<string> {
  const program = await builtProgram();
  if (await isFile(program)) return program;
  if (!go) throw new Error(centrifugeMissing);
  await Deno.mkdir(kept, { recursive: true });
  // Under a temporary name until it is complete.
  const unfinished = `${program}.${Deno.pid}`;
  const { success, stderr } = await new Deno.Command(go, {
    args: ["build", "-o", unfinished, "."],
    cwd: source,
    stdout: "null",
  }).output();
  if (!success) throw new Error(`go build: ${new TextDecoder().decode(stderr)}`);
  await Deno.rename(unfinished, program);
  return program;
}

/** Its version and that of Go, which builds it; undefined if that is missing. */
export async function centrifugeVersion(): Promise<string | undefined> {
  if (!go) return undefined;
  const text = await Deno.readTextFile(new URL("go.mod", source));
  const version = /github\.com\/centrifugal\/centrifuge (\S+)/.exec(text)?.[1] ?? "";
  return `centrifuge ${version} by ${(await said(go, "version")).split(" ")[2]}`;
}

const HISTORY = ["-history-size", "10000", "-history-ttl", "5m"];

export interface CentrifugeOptions {
  /** How long a connection waits for more to write: fewer and larger writes cost less. */
  readonly writeDelayMs?: number;
}

export async function centrifugeServer(
  { writeDelayMs = 0 }: CentrifugeOptions = {},
): Promise<Server> {
  const program = await build();
  const flags = [...HISTORY, "-write-delay", `${writeDelayMs}ms`];
  showOnce(`${await centrifugeVersion()} ${flags.join(" ")}, broker in memory`);
  return await startProgram([program, ...flags]);
}
