/**
 * Rows of several gateways on one store: their throughput together, and their operations when idle.
 */

import { Denokv, hasDenokv } from "../../support/denokv.ts";
import { quantile } from "../figures.ts";
import { idleOperations } from "../idle_store.ts";
import { busySeconds } from "../machine.ts";
import { type Core, DRIVER_CORE, moveTo, SERVER_CORE } from "../processes.ts";
import { publishes } from "../publishing.ts";
import type { Bench, Figures, Row } from "../row.ts";

const LOAD = { sockets: 4, window: 4, records: 100 };

/** The number of gateways, and the topic that each of them gets. */
interface Fleet {
  readonly name: string;
  readonly gateways: number;
  readonly topicOf: (gateway: number) => string;
}

const FLEETS: readonly Fleet[] = [
  { name: "one", gateways: 1, topicOf: () => "gps" },
  { name: "three, one topic each", gateways: 3, topicOf: (gateway) => `gps${gateway}` },
  { name: "three, the same topic", gateways: 3, topicOf: () => "gps" },
];

export const clusterRows: readonly Row[] = [
  {
    name: "P9",
    load: "publishes of 100 records through gateways that share one denokv",
    onlyIfNamed: true,
    figures: async (bench) =>
      !hasDenokv ? { "denokv is missing": "cargo install denokv --locked" } : {
        ...await together(bench, "all on one core", SERVER_CORE),
        ...await together(bench, "on any core", "any"),
      },
  },
  {
    name: "idle",
    load: "operations a second that idle gateways ask of a store that they share, simulated",
    isOnce: true,
    figures: async () => {
      const rates: Record<string, number> = {};
      for (const gateways of [1, 3, 20]) {
        for (const topics of [1, 10, 1_000]) {
          const { reads, scans, writes } = await idleOperations(gateways, topics);
          rates[`${gateways} gateways, ${topics} topics`] = reads + scans + writes;
        }
      }
      return rates;
    },
  },
];

async function together(bench: Bench, where: string, core: Core): Promise<Figures> {
  // The store runs beside the driver, and may use the same cores.
  if (core === "any") await moveTo("any");
  const figures: Record<string, number | string> = {};
  try {
    for (const fleet of FLEETS) {
      for (const [what, figure] of Object.entries(await records(bench, core, fleet))) {
        figures[`${fleet.name}, ${where}; ${what}`] = figure;
      }
    }
    return figures;
  } finally {
    await moveTo(DRIVER_CORE);
  }
}

/** Records per second through gateways on a store of their own, and how busy the machine was. */
async function records(
  { gateway, ms }: Bench,
  core: Core,
  { gateways, topicOf }: Fleet,
): Promise<Figures> {
  await using denokv = await Denokv.start();
  const servers = await Promise.all(
    Array.from({ length: gateways }, () => gateway(denokv.environment, core)),
  );
  try {
    const load = (perSecond?: number) =>
      Promise.all(
        servers.map((server, i) =>
          publishes(server, { ...LOAD, ms, topic: topicOf(i), perSecond })
        ),
      );
    const cpu = () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
    const [before, busy, begun] = [cpu(), busySeconds(), performance.now()];
    const figures = await load();
    const seconds = (performance.now() - begun) / 1_000;
    const perSecond = figures.reduce((sum, { perSecond }) => sum + perSecond, 0);
    const busyCores = {
      "cores of the gateways": (cpu() - before) / seconds,
      "cores of the machine": (busySeconds() - busy) / seconds,
    };
    const halved = await load(perSecond / gateways / 2);
    const p99s = halved.map(({ latencies = [] }) => quantile(latencies, 0.99));
    return {
      "records/s": perSecond,
      ...busyCores,
      "p99 ms at half of it, the fastest": Math.min(...p99s),
      "p99 at half of it, slowest over fastest": Math.max(...p99s) / Math.min(...p99s),
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
