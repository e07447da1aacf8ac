/** A gateway as a process of its own, on a free port, for demonstrations. */

export interface GatewayProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it on this store and waits until it serves. */
export async function startGateway(store: string): Promise<GatewayProcess> {
  const main = new URL("../main.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", main],
    env: { PORT: "0", WEIR_STORE: store },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  let url: string | undefined;
  while (!url) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The gateway ended before it listened");
    printed += value;
    url = printed.match(/listening on (http:\/\/\S+)/)?.[1];
  }
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await reader.cancel();
      await child.status;
    },
  };
}
