/**
 * A `denokv` server as a separate process: the store that several gateways share. It is written in
 * Rust (`cargo install denokv --locked`); without it, the tests that need it are ignored, and say
 * so.
 */

import { type DenokvProcess, startDenokv } from "../../src/demo/denokv_process.ts";
import { isFile, onPath } from "./executables.ts";
import { freePort } from "./free_port.ts";

const token = "a-token-for-tests";
const home = Deno.env.get("HOME") ?? "";
const installed = `${home}/.cargo/bin/denokv`;
const program = Deno.env.get("DENOKV") ?? await onPath(["denokv"]) ??
  (await isFile(installed) ? installed : undefined);

export class Denokv implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  #process: DenokvProcess;

  private constructor(folder: string, port: number, process: DenokvProcess) {
    this.#folder = folder;
    this.#port = port;
    this.#process = process;
  }

  static async start(): Promise<Denokv> {
    const folder = await Deno.makeTempDir({ prefix: "weir_denokv_" });
    const port = freePort();
    return new Denokv(folder, port, await run(folder, port));
  }

  get url(): string {
    return this.#process.url;
  }

  /** The environment for a gateway that uses it. */
  get environment() {
    return { WEIR_STORE: this.url, DENO_KV_ACCESS_TOKEN: token };
  }

  get token(): string {
    return token;
  }

  /** Kills it with SIGKILL, and starts it again on the same data. */
  async restart(): Promise<void> {
    await this.#process.kill();
    this.#process = await run(this.#folder, this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A test that needs a `denokv` server. */
export function denokvTest(name: string, test: () => Promise<void>): void {
  if (program) Deno.test(name, test);
}

/** As Cargo knows it, since it does not say so itself; undefined if it is missing. */
export async function denokvVersion(): Promise<string | undefined> {
  if (!program) return undefined;
  const list = await Deno.readTextFile(`${home}/.cargo/.crates.toml`).catch(() => "");
  return /^"(denokv \S+) /m.exec(list)?.[1] ?? "denokv";
}

/** Whether `denokv` is installed. */
export const hasDenokv = program !== undefined;

function run(folder: string, port: number): Promise<DenokvProcess> {
  return startDenokv({ file: `${folder}/kv.sqlite`, port, token });
}
