/** The demo as a separate process, on free ports. */

import { eventually } from "./eventually.ts";

const PATIENCE_MS = 20_000;

export interface DemoState {
  readonly published: number;
  readonly acknowledged: number;
  readonly gateway: { readonly up: boolean; readonly restarts: number };
  readonly groups: readonly DemoGroup[];
  readonly log: readonly { readonly text: string }[];
}

export interface DemoGroup {
  readonly group: string;
  readonly members: readonly { name: string; alive: boolean; partitions: number[] }[];
  readonly partitions: readonly { partition: number; owner?: string; lag: number }[];
  readonly lag: number;
}

export class Demo implements AsyncDisposable {
  readonly origin: string;
  readonly #child: Deno.ChildProcess;
  readonly #printed: Promise<string>;

  private constructor(origin: string, child: Deno.ChildProcess, printed: Promise<string>) {
    this.origin = origin;
    this.#child = child;
    this.#printed = printed;
  }

  /** Starts it and waits until it prints the address of its page. */
  static async start(...options: string[]): Promise<Demo> {
    const child = demo("--port", "0", "--gateway-port", "0", ...options).spawn();
    const [forOrigin, forAll] = child.stdout.tee();
    const printed = new Response(forAll).text();
    let seen = "";
    for await (const part of forOrigin.pipeThrough(new TextDecoderStream())) {
      seen += part;
      const origin = seen.match(/open (http:\S+)\/demo/)?.[1];
      if (origin) return new Demo(origin, child, printed);
    }
    throw new Error(`The demo ended early: ${seen}`);
  }

  /** Runs it to its end. */
  static async run(...options: string[]): Promise<{ code: number; lines: string[] }> {
    const { code, stdout } = await demo(...options).output();
    return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
  }

  async about(): Promise<Record<string, unknown>> {
    return await (await fetch(`${this.origin}/demo/about`)).json();
  }

  async state(): Promise<DemoState> {
    return await (await fetch(`${this.origin}/demo/state`)).json();
  }

  /** Waits until `holds` is true of the state that the page shows, and returns that state. */
  async until(what: string, holds: (state: DemoState) => boolean): Promise<DemoState> {
    let state = await this.state();
    await eventually(what, async () => holds(state = await this.state()), PATIENCE_MS);
    return state;
  }

  async act(path: string, body: unknown = {}, headers: HeadersInit = {}) {
    const response = await fetch(`${this.origin}/demo/${path}`, {
      method: "POST",
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Ctrl-C, with the exit code and the output. */
  async interrupt(): Promise<{ code: number; lines: string[] }> {
    this.#child.kill("SIGINT");
    const [{ code }, printed] = await Promise.all([this.#child.status, this.#printed]);
    return { code, lines: printed.trimEnd().split("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGINT");
      // It has just been told to count, and is now told not to.
      this.#child.kill("SIGINT");
    } catch {
      // It has ended already.
    }
    await Promise.all([this.#child.status, this.#printed]);
  }
}

export function groupOf(state: DemoState, name: string): DemoGroup {
  const group = state.groups.find(({ group }) => group === name);
  if (!group) throw new Error(`There is no group ${name}`);
  return group;
}

function demo(...options: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "src/demo/main.ts", ...options],
    stdout: "piped",
    stderr: "inherit",
  });
}
