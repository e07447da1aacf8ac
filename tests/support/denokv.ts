/**
 * A `denokv` server as a process of its own: the store that several gateways share. It is Rust's
 * (`cargo install denokv --locked`); where it is not, the tests that need it are not there, and say so.
 */

import { isFile, onPath } from "./executables.ts";

const token = "a-token-for-tests";
const home = Deno.env.get("HOME") ?? "";
const installed = `${home}/.cargo/bin/denokv`;
const program = Deno.env.get("DENOKV") ?? await onPath(["denokv"]) ??
  (await isFile(installed) ? installed : undefined);
const patienceMs = 10_000;

export class Denokv implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  #child: Deno.ChildProcess;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.#child = run(folder, port);
  }

  static async start(): Promise<Denokv> {
    const folder = await Deno.makeTempDir({ prefix: "weir_denokv_" });
    const denokv = new Denokv(folder, freePort());
    await denokv.#answers();
    return denokv;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What a gateway is started with to use it. */
  get environment() {
    return { WEIR_STORE: this.url, DENO_KV_ACCESS_TOKEN: token };
  }

  get token(): string {
    return token;
  }

  /** As SIGKILL, and started again on the same data. */
  async restart(): Promise<void> {
    await this.#kill();
    this.#child = run(this.#folder, this.#port);
    await this.#answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async #answers(): Promise<void> {
    const end = performance.now() + patienceMs;
    for (;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.#port })).close();
        return;
      } catch (error) {
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}

/** A test that needs a server. */
export function denokvTest(name: string, test: () => Promise<void>): void {
  if (program) Deno.test(name, test);
}

/** Whether there is one to start. */
export const hasDenokv = program !== undefined;

function run(folder: string, port: number): Deno.ChildProcess {
  if (!program) throw new Error("denokv is missing: cargo install denokv --locked");
  return new Deno.Command(program, {
    args: [
      "--sqlite-path",
      `${folder}/kv.sqlite`,
      "serve",
      "--addr",
      `127.0.0.1:${port}`,
      "--access-token",
      token,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
