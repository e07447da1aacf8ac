/** A gateway as a process of its own, for demonstrations. */

import { spawnChild } from "./child.ts";

export interface GatewayProcess {
  readonly url: string;
  /** Lets it finish. */
  stop(): Promise<void>;
  /** As a crash: `kill -9`. */
  kill(): Promise<void>;
}

export interface GatewayOptions {
  readonly store: string;
  /** What the store asks for, if it is a server. */
  readonly token?: string;
  /** Any free one unless given. */
  readonly port?: number;
  /** Origins of pages that it lets in. */
  readonly origins?: readonly string[];
}

/** Starts it, and waits until it serves. */
export async function startGateway(
  { store, token, port = 0, origins = [] }: GatewayOptions,
): Promise<GatewayProcess> {
  const main = new URL("../main.ts", import.meta.url).href;
  const { process, end } = spawnChild(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", main],
    env: {
      PORT: String(port),
      WEIR_STORE: store,
      WEIR_ORIGINS: origins.join(","),
      WEIR_REPORTS: "warn",
      ...token === undefined ? {} : { DENO_KV_ACCESS_TOKEN: token },
    },
    stdout: "piped",
    stderr: "inherit",
    // Ctrl-C is for whoever started it: the gateway is needed until all is counted.
    detached: true,
  });
  const url = await untilListening(process.stdout);
  if (!url) {
    await end("SIGKILL");
    throw new Error(`The gateway on port ${port} ended before it listened`);
  }
  return { url, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** The address that it prints. What it prints after that is read, and passed over. */
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
