/** Rows of idle sockets. */

import { pause } from "../../../src/demo/pause.ts";
import { readSettings } from "../../../src/config.ts";
import { idleSockets } from "../idle_sockets.ts";
import { idleOperations } from "../idle_store.ts";
import { withServer } from "../loads.ts";
import { counterOf, type Server, startScript } from "../processes.ts";
import type { Row } from "../row.ts";

const SOCKETS = 10_000;
const FEWER = 2_000;
/** Idle sockets cost so little that it takes time to measure it. */
const LEAST_MS = 15_000;

export const idleRows: readonly Row[] = [
  {
    name: "P10",
    load: "10,000 sockets with one subscription each and no traffic but their heartbeats",
    goal: "1.3 × the CPU of bare sockets, below 6 % of a core; store operations bounded",
    isOnce: true,
    figures: async ({ gateway, ms: given, isQuick }) => {
      const sockets = isQuick ? SOCKETS / 10 : SOCKETS;
      const ms = isQuick ? given : Math.max(given, LEAST_MS);
      const { heartbeatMs } = readSettings({});
      const load = { sockets, heartbeatMs, ms };
      const ours = await withServer(gateway(), async (server) => {
        const before = await counterOf(server, "store_writes_total");
        const begun = performance.now();
        const cost = await idleSockets(server, load);
        const seconds = (performance.now() - begun) / 1_000;
        return {
          ...cost,
          writes: (await counterOf(server, "store_writes_total") - before) / seconds,
        };
      });
      const bare = await withServer(
        startScript("bare_socket.ts", { MODE: "heartbeat" }),
        (server) => idleSockets(server, { ...load, bare: true }),
      );
      const nobody = await withServer(gateway(), (server) => cpuPercent(server, ms));
      const shared = await idleOperations(1, 1);
      return {
        "weir, % of a core": ours.cpuPercent,
        "bare sockets with the same heartbeats, % of a core": bare.cpuPercent,
        "  weir over bare sockets": ours.cpuPercent / bare.cpuPercent,
        "weir with no socket, % of a core": nobody,
        "weir, KiB a socket": ours.kibPerSocket,
        "bare sockets, KiB a socket": bare.kibPerSocket,
        "entries that it wrote to its log a second": ours.writes,
        "operations a second on a shared store, simulated": shared.reads + shared.scans +
          shared.writes,
      };
    },
  },
  {
    name: "memory",
    load: "idle sockets with one subscription each (2,000), KiB a socket",
    figures: ({ gateway }) =>
      withServer(gateway(), async (server) => {
        const load = { sockets: FEWER, heartbeatMs: LEAST_MS, ms: 1_000 };
        return { "weir": (await idleSockets(server, load)).kibPerSocket };
      }),
  },
];

async function cpuPercent(server: Server, ms: number): Promise<number> {
  await pause(1_000);
  const [cpu, begun] = [server.cpuSeconds(), performance.now()];
  await pause(ms);
  return (server.cpuSeconds() - cpu) / (performance.now() - begun) * 100_000;
}
