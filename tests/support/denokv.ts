/**
 * A `denokv` server as a process of its own: the store that several gateways share. It is Rust's
 * (`cargo install denokv --locked`); where it is not, the tests that need it are not there, and say so.
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

  /** What a gateway is started with to use it. */
  get environment() {
    return { WEIR_STORE: this.url, DENO_KV_ACCESS_TOKEN: token };
  }

  get token(): string {
    return token;
  }

  /** As SIGKILL, and started again on the same data. */
  async restart(): Promise<void> {
    await this.#process.kill();
    this.#process = await run(this.#folder, this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A test that needs a server. */
export function denokvTest(name: string, test: () => Promise<void>): void {
  if (program) Deno.test(name, test);
}

/** Whether there is one to start. */
export const hasDenokv = program !== undefined;

function run(folder: string, port: number): Promise<DenokvProcess> {
  return startDenokv({ file: `${folder}/kv.sqlite`, port, token });
}
