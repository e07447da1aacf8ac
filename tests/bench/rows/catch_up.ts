/** Rows of readers that are far behind. */

import { catchUp } from "../catch_up.ts";
import { natsClientSides, natsSides } from "../peer_sides.ts";
import { type Row, side } from "../row.ts";

const RECORDS = 1_000_000;

export const catchUpRows: readonly Row[] = [
  {
    name: "P7",
    load: "catch-up from earliest over 1,000,000 records by one reader; records/s",
    goal: "500,000 records/s through the client; NATS: 1 × the lean client, 3 × nats.js",
    sides: async (bench) => {
      const { gateway, isQuick } = bench;
      const records = isQuick ? RECORDS / 10 : RECORDS;
      return [
        side("weir, client", gateway, (server) => catchUp(server, { records, reader: "client" })),
        side("weir, frames", gateway, (server) => catchUp(server, { records, reader: "frames" })),
        // Reading does not sync, and writing so much with a sync for each record would take
        // minutes.
        ...await natsSides(
          bench,
          ({ natsCatchUp }) => (server) => natsCatchUp(server, records),
          ["default"],
        ),
        ...await natsClientSides(records),
      ];
    },
  },
];
