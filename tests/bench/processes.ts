/** Starts the server under test as a process on its own core, and reads what it cost. */

import { machine } from "./machine.ts";

const CLOCK_TICKS = 100;

/** A server under test. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** CPU seconds of the process so far, all threads. */
  cpuSeconds(): number;
  /** Resident memory in bytes. */
  rssBytes(): number;
  /** Stops it gracefully, unless told otherwise. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** The core of the server under test; its driver has the next one. */
export type Core = number | "any";

/** As `deno task start` sets it; for the gateway and for what it is compared with. */
const TASK_ENV = { DENO_TOKIO_EVENT_INTERVAL: "1" };

export const SERVER_CORE = 0;
export const DRIVER_CORE = 1;

/** The gateway on a new embedded store unless `env` names one; `flags` are those of `deno run`. */
export async function startGateway(
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
  core: Core = SERVER_CORE,
): Promise<Server> {
  const folder = await Deno.makeTempDir({ prefix: "weir-bench-" });
  const server = await start(["-A", "--unstable-kv", ...flags, "src/main.ts"], {
    PORT: "0",
    WEIR_STORE: `${folder}/weir.kv`,
    ...env,
  }, core);
  return {
    ...server,
    stop: async (signal) => {
      await server.stop(signal);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A script of this folder that prints `… listening on http://HOST:PORT`. */
export function startScript(name: string, env: Record<string, string> = {}): Promise<Server> {
  return start(["-A", "--unstable-kv", `tests/bench/${name}`], env);
}

function start(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  core: Core = SERVER_CORE,
): Promise<Server> {
  return startProgram([Deno.execPath(), "run", ...args], { env: { ...TASK_ENV, ...env }, core });
}

export interface Program {
  readonly env?: Readonly<Record<string, string>>;
  readonly core?: Core;
  /** Matches the port in its output. */
  readonly listening?: RegExp;
}

/** Any program, with its arguments, that prints the port on which it listens. */
export async function startProgram(
  program: readonly string[],
  { env = {}, core = SERVER_CORE, listening = /listening on http:\/\/[^:]+:(\d+)/ }: Program = {},
): Promise<Server> {
  const [command, ...rest] = [...pinned(core), ...program];
  const child = new Deno.Command(command ?? "", {
    args: rest,
    env,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const port = await listeningPort(child.stdout, listening);
  return {
    port,
    pid: child.pid,
    cpuSeconds: () => cpuSeconds(child.pid),
    rssBytes: () => rssBytes(child.pid),
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await child.status;
    },
  };
}

/** The prefix of a command that pins it to this core, or lets it use any, where that works. */
export function pinned(core: Core): string[] {
  const { cores } = machine();
  if (cores === 1) return [];
  try {
    const { success } = new Deno.Command("taskset", { args: ["-V"], stdout: "null" }).outputSync();
    return success ? ["taskset", "-c", core === "any" ? `0-${cores - 1}` : String(core)] : [];
  } catch {
    return [];
  }
}

/** Moves this process, and those that it starts from now on, to a core. */
export async function moveTo(core: Core): Promise<void> {
  const [command, ...rest] = pinned(core);
  if (!command) return;
  const args = ["-a", "-p", ...rest, String(Deno.pid)];
  await new Deno.Command(command, { args, stdout: "null" }).output();
}

async function listeningPort(
  stdout: ReadableStream<Uint8Array>,
  listening: RegExp,
): Promise<number> {
  const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The server ended before it listened: ${text}`);
    text += value;
    const port = text.match(listening)?.[1];
    if (!port) continue;
    drain(reader);
    return Number(port);
  }
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

/** A gateway's counter so far, by name. */
export async function counterOf({ port }: Server, name: string): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^weir_${name} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
}

/** CPU seconds of a process so far, all threads. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function rssBytes(pid: number): number {
  const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
  return pages * 4_096;
}
