/** What a run is measured by and compared with: its figures mean little without these. */

import project from "../../deno.json" with { type: "json" };
import { denokvVersion } from "../support/denokv.ts";
import { centrifugeVersion } from "./peers/centrifuge_server.ts";
import { natsVersion } from "./peers/nats_server.ts";

/** Lines of names with their versions: ours, and those of the peers that are installed. */
export async function versions(): Promise<string[]> {
  const peers = await Promise.all([natsVersion(), centrifugeVersion(), denokvVersion()]);
  const installed = peers.filter((version) => version !== undefined);
  return [
    `weir ${project.version}, ws ${
      imported("ws")
    }; Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
    ...installed.length > 0
      ? [`beside it: ${installed.join(", ")}, nats.js ${imported("@nats-io/nats-core")}`]
      : [],
  ];
}

function imported(name: keyof typeof project.imports): string {
  return project.imports[name].split("@").at(-1) ?? "";
}
