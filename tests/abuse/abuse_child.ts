/** Runs an abuser as a process: on another core than the gateway, and behind all others there. */

import { pinned } from "../bench/processes.ts";
import { type Child, spawnChild } from "../../src/demo/child.ts";
import type { Got, Size } from "./abuser.ts";
import type { AbuserName } from "./abusers.ts";
import type { Access } from "./access.ts";

const PROGRAM = new URL("./abuser_process.ts", import.meta.url).pathname;
/** The gateway is on core 0 and those who measure are on core 1. */
const CORE = navigator.hardwareConcurrency > 2 ? 2 : 1;

export interface AbuseOptions {
  readonly name: AbuserName;
  readonly port: number;
  readonly size: Size;
  readonly access: Access;
}

export class Abuse {
  readonly #child: Child;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor(child: Child) {
    this.#child = child;
    this.#output = child.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves when it is in force. */
  static async begin({ name, port, size, access }: AbuseOptions): Promise<Abuse> {
    const [command = "", ...args] = [
      ...behindOthers(),
      ...pinned(CORE),
      ...[Deno.execPath(), "run", "--quiet", "--allow-net", PROGRAM],
      ...[name, String(port), size, access],
    ];
    const child = spawnChild(command, { args, stdin: "piped", stdout: "piped", stderr: "inherit" });
    const abuse = new Abuse(child);
    try {
      await abuse.#line();
    } catch (error) {
      await abuse.kill();
      throw error;
    }
    return abuse;
  }

  /** Ends it, and returns what it got. */
  async end(): Promise<Got> {
    await this.#child.process.stdin.close();
    const got: Got = JSON.parse(await this.#line());
    await this.kill();
    return got;
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    await this.#output.cancel();
    await this.#child.end("SIGKILL");
  }

  async #line(): Promise<string> {
    let text = "";
    while (!text.endsWith("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error("The abuser ended by itself");
      text += value;
    }
    return text;
  }
}

/** Before a command: it leaves the core that it shares to those who measure, as far as they want it. */
function behindOthers(): string[] {
  return CORE === 1 && Deno.build.os !== "windows" ? ["nice", "-n", "10"] : [];
}
