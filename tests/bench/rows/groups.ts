/** Rows of consumer groups and their transactions, and of the memory that their load takes. */

import { group } from "../group_reading.ts";
import { withServer } from "../loads.ts";
import { natsSides } from "../peer_sides.ts";
import { type Row, side } from "../row.ts";
import { transactions } from "../transacting.ts";

const MIB = 1 << 20;

export const groupRows: readonly Row[] = [
  {
    name: "P3",
    load: "publishes of 100 records → group of 4 → commit, end to end; records/s",
    goal: "120,000 records/s; NATS: 20 × synced always, 2 × default by CPU",
    isQuick: true,
    sides: async (bench) => [
      side("weir", bench.gateway, group),
      ...await natsSides(bench, ({ natsGroup }) => (server, ms) => natsGroup(server, ms)),
    ],
  },
  {
    name: "transactions",
    load: "two groups of 4 that each transact 10 records and a commit, one after another; ms, 1/s",
    figures: ({ gateway, ms }) => withServer(gateway(), (server) => transactions(server, ms)),
  },
  {
    name: "soak",
    load: "resident memory under the load of P3 for the given seconds, MiB at every tenth",
    onlyIfNamed: true,
    figures: ({ gateway, ms }) =>
      withServer(gateway(), async (server) => {
        const seen: Record<string, number> = {};
        let tenths = 0;
        const looking = setInterval(() => {
          if (tenths++ < 10) seen[`after ${tenths} tenths`] = server.rssBytes() / MIB;
        }, ms / 10);
        await group(server, ms);
        clearInterval(looking);
        return seen;
      }),
  },
];
