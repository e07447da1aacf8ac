/** A `denokv` server as a process of its own: the store that the gateways of a cluster share. */

import { type Child, spawnChild } from "./child.ts";
import { pause } from "./pause.ts";

export interface DenokvProcess {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
  /** Crashes it: `kill -9`. */
  kill(): Promise<void>;
}

export interface DenokvOptions {
  readonly file: string;
  readonly port: number;
  /** The access token that it requires; a random one unless given. */
  readonly token?: string;
  /** Whether Ctrl-C reaches only the process that started it. */
  readonly detached?: boolean;
}

const PATIENCE_MS = 10_000;
const MISSING =
  "denokv is missing: install it with `cargo install denokv --locked --version 0.14.0`" +
  ", or name it in DENOKV";

/** Starts it, and waits until it answers. Throws, with one line, if there is none. */
export async function startDenokv(
  { file, port, token = crypto.randomUUID(), detached = false }: DenokvOptions,
): Promise<DenokvProcess> {
  const hostname = "127.0.0.1";
  const address = `${hostname}:${port}`;
  const child = spawn({
    args: ["--sqlite-path", file, "serve", "--addr", address, "--access-token", token],
    stdout: "null",
    stderr: "null",
    detached,
  });
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname, port })).close();
      break;
    } catch (error) {
      if (performance.now() > end) throw error;
      await pause(20);
    }
  }
  return {
    url: `http://${address}`,
    token,
    stop: () => child.end("SIGTERM"),
    kill: () => child.end("SIGKILL"),
  };
}

/** From `PATH`, or from where cargo installs it. */
function spawn(options: Deno.CommandOptions): Child {
  const home = Deno.env.get("HOME") ?? "";
  for (const program of [Deno.env.get("DENOKV") ?? "denokv", `${home}/.cargo/bin/denokv`]) {
    try {
      return spawnChild(program, options);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(MISSING);
}
