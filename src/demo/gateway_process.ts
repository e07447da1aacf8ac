/** A gateway as a separate process, for demonstrations. */

import { startFlags } from "../cli/start_flags.ts";
import { spawnChild } from "./child.ts";

export interface GatewayProcess {
  readonly url: string;
  /** Stops it gracefully. */
  stop(): Promise<void>;
  /** Crashes it: `kill -9`. */
  kill(): Promise<void>;
}

export interface GatewayOptions {
  readonly store: string;
  /** The access token of the store, if it is a server. */
  readonly token?: string;
  /** Any free port unless given. */
  readonly port?: number;
  /** Origins of pages that may connect. */
  readonly origins?: readonly string[];
}

/** Starts it, and waits until it serves. */
export async function startGateway(
  { store, token, port = 0, origins = [] }: GatewayOptions,
): Promise<GatewayProcess> {
  const { process, end } = spawnChild(Deno.execPath(), {
    args: ["run", ...startFlags(store)],
    cwd: new URL("../..", import.meta.url),
    env: {
      PORT: String(port),
      WEIR_STORE: store,
      WEIR_ORIGINS: origins.join(","),
      WEIR_REPORTS: "warn",
      ...token === undefined ? {} : { DENO_KV_ACCESS_TOKEN: token },
    },
    stdout: "piped",
    stderr: "inherit",
    // Ctrl-C is for the parent process: the gateway is needed until everything is counted.
    detached: true,
  });
  const url = await untilListening(process.stdout);
  if (!url) {
    await end("SIGKILL");
    throw new Error(`The gateway on port ${port} ended before it listened`);
  }
  return { url, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** The address that it prints. Its later output is read and discarded. */
async function untilListening(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    printed += part.value;
    const url = printed.match(/listening on (http:\/\/\S+)/)?.[1];
    if (!url) continue;
    drain(reader);
    return url;
  }
  return undefined;
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  for (let part = await reader.read(); !part.done;) part = await reader.read();
}
