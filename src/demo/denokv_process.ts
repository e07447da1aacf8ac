/** A `denokv` server as a process of its own: the store that the gateways of a cluster share. */

export interface DenokvProcess {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

const PATIENCE_MS = 10_000;
const MISSING =
  "denokv is missing: install it with `cargo install denokv --locked --version 0.14.0`" +
  ", or name it in DENOKV";

/** Starts it on this file and port, and waits until it answers. Throws a line if there is none. */
export async function startDenokv(file: string, port: number): Promise<DenokvProcess> {
  const token = crypto.randomUUID();
  const hostname = "127.0.0.1";
  const child = spawn(Deno.env.get("DENOKV") ?? "denokv", [
    "--sqlite-path",
    file,
    "serve",
    "--addr",
    `${hostname}:${port}`,
    "--access-token",
    token,
  ]);
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname, port })).close();
      break;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  return { url: `http://${hostname}:${port}`, token, stop };
}

/** From the path, or from where cargo puts it. */
function spawn(program: string, args: readonly string[]): Deno.ChildProcess {
  const home = Deno.env.get("HOME") ?? "";
  for (const one of [program, `${home}/.cargo/bin/denokv`]) {
    try {
      // Ctrl-C is for whoever started it: gateways need their store until they have drained.
      const quiet = { stdout: "null", stderr: "null", detached: true } as const;
      const child = new Deno.Command(one, { args: [...args], ...quiet }).spawn();
      globalThis.addEventListener("unload", () => child.kill("SIGKILL"));
      return child;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(MISSING);
}
