/**
 * A gateway as a separate process, started as an operator starts it and ended by signals, for the
 * tests in `contracts/` and `e2e/`. They share nothing with it but its environment, its first line
 * on standard output and its port, so any server that keeps the protocol would pass them.
 *
 * Most test files start one (`Gateway.shared`) and let each test use topics and groups of its own:
 * a start costs more than a test.
 */

import { assert, assertEquals } from "@std/assert";
import { checkFlags, startFlags } from "../../src/cli/start_flags.ts";

const root = new URL("../../", import.meta.url);
const startMs = 20_000;

/** The socket adapter: `TEST_SOCKETS=native` runs the same tests over the second one. */
export const sockets = Deno.env.get("TEST_SOCKETS") ?? "ws";

/** Settings that most tests want: a free port, nothing on disk, a short drain, no audit lines. */
const usual = {
  PORT: "0",
  WEIR_STORE: ":memory:",
  WEIR_DRAIN_MS: "1000",
  WEIR_REPORTS: "warn",
  WEIR_SOCKETS: sockets,
};

export type Environment = Readonly<Record<string, string>>;

export class Gateway {
  readonly version: string;
  /** `http://HOST:PORT` */
  readonly origin: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    child: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<Uint8Array>,
    firstLine: string,
  ) {
    const match = /^weir (\S+) listening on (http:\/\/[^\s/]+:\d+)$/.exec(firstLine);
    assert(match, `The first line on standard output is "${firstLine}"`);
    this.version = match[1]!;
    this.origin = match[2]!;
    this.#child = child;
    this.#output = output;
  }

  /** Starts one and waits until it serves. `onDiagnostic` takes each line on standard error; "nobody" closes it. */
  static async start(
    environment: Environment = {},
    onDiagnostic?: ((line: string) => void) | "nobody",
  ): Promise<Gateway> {
    const child = command(environment, "piped", onDiagnostic ? "piped" : "inherit").spawn();
    if (onDiagnostic === "nobody") await child.stderr.cancel();
    else if (onDiagnostic) eachLine(child.stderr, onDiagnostic);
    const output = child.stdout.getReader();
    const late = setTimeout(() => kill(child, "SIGKILL"), startMs);
    try {
      return new Gateway(child, output, await firstLine(output));
    } catch (error) {
      kill(child, "SIGKILL");
      await child.status;
      await output.cancel();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * One for all tests of the calling file. A last test checks that it survived and ends cleanly.
   */
  static shared(environment: Environment = {}): { readonly gateway: Gateway } {
    const holder: { gateway: Gateway } = { gateway: undefined as unknown as Gateway };
    Deno.test.beforeAll(async () => {
      holder.gateway = await Gateway.start(environment);
    });
    Deno.test.afterAll(async () => {
      assertEquals((await holder.gateway.stop("SIGTERM")).code, 0);
    });
    return holder;
  }

  /**
   * Runs one whose start must be refused, and returns the output, its own or that of the check
   * before it.
   */
  static async refused(environment: Environment): Promise<{ code: number; stderr: string }> {
    const check = await run(checkFlags, environment, "null", "piped").output();
    const { code, stderr } = check.success
      ? await command(environment, "null", "piped").output()
      : check;
    return { code, stderr: new TextDecoder().decode(stderr) };
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  get socketUrl(): string {
    return `${this.origin.replace("http", "ws")}/v1/connect`;
  }

  signal(signal: Deno.Signal): void {
    kill(this.#child, signal);
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await this.#output.cancel();
    return status;
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    kill(this.#child, signal);
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

function command(
  environment: Environment,
  stdout: "piped" | "null",
  stderr: "piped" | "inherit",
): Deno.Command {
  const { WEIR_STORE } = { ...usual, ...environment };
  return run(startFlags(WEIR_STORE), environment, stdout, stderr);
}

/** `deno run` with these flags and a program. */
function run(
  flags: readonly string[],
  environment: Environment,
  stdout: "piped" | "null",
  stderr: "piped" | "inherit",
): Deno.Command {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("WEIR_") && name !== "HOST" && name !== "PORT");
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...flags],
    cwd: root,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), ...usual, ...environment },
    stdin: "null",
    stdout,
    stderr,
  });
}

async function firstLine(output: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await output.read();
    if (done) throw new Error(`The gateway ended before it served; it printed "${text}"`);
    text += decoder.decode(value, { stream: true });
  }
  return text.slice(0, text.indexOf("\n"));
}

/** Until the stream ends, which it does with the process. */
async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}

/**
 * Sends a signal, unless the process has just ended by itself, which cannot be known in advance.
 */
function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
