/**
 * Rows of several gateways on one store: their throughput together, how soon a record of one is at
 * another, and their operations when idle.
 */

import { PEERS } from "../../../src/limits.ts";
import { Denokv, hasDenokv } from "../../support/denokv.ts";
import { quantile } from "../figures.ts";
import { idleOperations } from "../idle_store.ts";
import { untilAcknowledged, untilDelivered, WARM_UP } from "../lone.ts";
import { busySeconds } from "../machine.ts";
import { type Core, DRIVER_CORE, moveTo, SERVER_CORE } from "../processes.ts";
import { publishes } from "../publishing.ts";
import type { Bench, Figures, Row } from "../row.ts";
import { unwatchedStore } from "../unwatched_store.ts";

const LOAD = { sockets: 4, window: 4, records: 100 };
const ROUNDS = 500;
/** Each takes as long as a look for news. */
const LOOKS = 20;
const MISSING = { "denokv is missing": "cargo install denokv --locked" };

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
    goal: "three with a topic each 2.4 × one until the cores are full; on the same topic 1 ×",
    onlyIfNamed: true,
    figures: async (bench) =>
      !hasDenokv ? MISSING : {
        ...await together(bench, "all on one core", SERVER_CORE),
        ...await together(bench, "on any core", "any"),
      },
  },
  {
    name: "P13",
    load: "a lone publish at one gateway until a socket at another has it, over denokv; ms",
    figures: async (bench) => hasDenokv ? await across(bench) : MISSING,
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

/** How soon a record of one gateway is at another: by news, and where no watch tells of them. */
async function across({ gateway, isQuick }: Bench): Promise<Figures> {
  await moveTo("any");
  try {
    await using denokv = await Denokv.start();
    await using unwatched = unwatchedStore(denokv.url);
    const { environment } = denokv;
    const servers = await Promise.all([
      gateway(environment, "any"),
      gateway(environment, "any"),
      gateway({ ...environment, WEIR_STORE: unwatched.url }, "any"),
    ]);
    const [one, other, deaf] = servers;
    try {
      const rounds = isQuick ? ROUNDS / 2 : ROUNDS;
      const acknowledged = await untilAcknowledged(one, rounds);
      await untilDelivered(one, other, { rounds: WARM_UP });
      const news = await untilDelivered(one, other, { rounds });
      const looks = await untilDelivered(one, deaf, {
        rounds: isQuick ? LOOKS / 2 : LOOKS,
        pauseMs: () => Math.random() * PEERS.lookMs, // at any time between two looks
      });
      return {
        "publish → ack, p50": quantile(acknowledged, 0.5),
        "publish → ack, p99": quantile(acknowledged, 0.99),
        "publish → socket at another gateway by news, p50": quantile(news, 0.5),
        "publish → socket at another gateway by news, p99": quantile(news, 0.99),
        "publish → socket at one whose watches are silent, p50": quantile(looks, 0.5),
        "publish → socket at one whose watches are silent, at most": quantile(looks, 1),
      };
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  } finally {
    await moveTo(DRIVER_CORE);
  }
}
