/**
 * NATS with JetStream as a separate process, for comparison where records must be durable. It is
 * installed with Go; without it, `natsMissing` is a sentence that says so.
 *
 * It keeps its streams in files, and syncs them after every write (`always`, which is what our
 * acknowledgements promise) or every two minutes (`default`, which is what it does unless told
 * otherwise: what it has acknowledged since is lost with the machine's power).
 */

import { isFile, onPath, said } from "../../support/executables.ts";
import { type Server, startProgram } from "../processes.ts";
import { showOnce } from "./shown_once.ts";

export type Sync = "always" | "default";

export interface NatsServer extends Server {
  readonly sync: Sync;
}

const program = await findProgram();

/** Why there is no row of NATS, if there is none. */
export const natsMissing = program
  ? undefined
  : "nats-server is missing: go install github.com/nats-io/nats-server/v2@latest";

/** `go install` may put it in a folder that is not on `PATH`. */
async function findProgram(): Promise<string | undefined> {
  const found = await onPath(["nats-server"]);
  if (found) return found;
  const home = Deno.env.get("HOME") ?? "";
  const folder = Deno.env.get("GOBIN") ?? `${Deno.env.get("GOPATH") ?? `${home}/go`}/bin`;
  const installed = `${folder}/nats-server`;
  return await isFile(installed) ? installed : undefined;
}

/** Its configuration; its log, which names the port, goes where a benchmark reads it. */
function configuration(folder: string, sync: Sync): string {
  return `host: 127.0.0.1
port: -1
log_file: "/dev/stdout"
websocket { host: 127.0.0.1, port: -1, no_tls: true, compression: false }
jetstream {
  store_dir: "${folder}"
  ${sync === "always" ? "sync_interval: always" : "# sync_interval: 2m, its default"}
}
`;
}

/** As it says itself: `nats-server: v2.15.3`; undefined if it is missing. */
export async function natsVersion(): Promise<string | undefined> {
  return program && await said(program, "--version");
}

export async function natsServer({ sync }: { sync: Sync }): Promise<NatsServer> {
  if (!program) throw new Error(natsMissing);
  showOnce(`${await natsVersion()}\n${configuration("…", sync)}`);
  const folder = await Deno.makeTempDir({ prefix: "weir-bench-nats-" });
  const file = `${folder}/nats.conf`;
  await Deno.writeTextFile(file, configuration(folder, sync));
  const listening = /websocket clients on ws:\/\/[^:]+:(\d+)/;
  const server = await startProgram([program, "-c", file], { listening });
  return {
    ...server,
    sync,
    stop: async (signal) => {
      await server.stop(signal);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
