/** Rows of publishing with acknowledgements, compared with a bare socket and a bare store. */

import { centrifugeSides, natsSides } from "../peer_sides.ts";
import { rawAppends } from "../raw_store.ts";
import { startScript } from "../processes.ts";
import { publishes } from "../publishing.ts";
import { type Row, side } from "../row.ts";

const SINGLE = { sockets: 64, window: 64, records: 1 };
const BATCHES = { sockets: 16, window: 4, records: 100 };

export const publishingRows: readonly Row[] = [
  {
    name: "P1",
    load: "publishes of one record, 64 sockets × 64 in flight, durable acks, idempotent; records/s",
    goal:
      "1 × bare sockets one by one, 0.45 × combined; NATS: 20 × synced always, 1 × default by CPU",
    isQuick: true,
    sides: async (bench) => [
      side(
        "weir",
        bench.gateway,
        (server, ms, perSecond) => publishes(server, { ...SINGLE, ms, perSecond }),
      ),
      ...["one", "combined"].map((MODE) =>
        side(
          `bare socket, ${MODE === "one" ? "one by one" : MODE}`,
          () => startScript("bare_socket.ts", { MODE }),
          (server, ms, perSecond) => publishes(server, { ...SINGLE, ms, bare: true, perSecond }),
        )
      ),
      ...await natsSides(
        bench,
        ({ natsPublishes }) => (server, ms, perSecond) =>
          natsPublishes(server, { sockets: 64, window: 64, dedupe: true, ms, perSecond }),
      ),
      ...await centrifugeSides(
        bench,
        ({ centrifugePublishes }) => (server, ms, perSecond) =>
          centrifugePublishes(server, { sockets: 64, window: 64, ms, perSecond }),
      ),
    ],
  },
  {
    name: "P2",
    load: "publishes of 100 records, 16 sockets × 4 in flight; records/s",
    goal: "0.65 × raw appends",
    isQuick: true,
    sides: ({ gateway }) => [
      side(
        "weir",
        gateway,
        (server, ms, perSecond) => publishes(server, { ...BATCHES, ms, perSecond }),
      ),
      { name: "raw appends of 500", hasOpenLoop: false, run: (ms) => rawAppends(500, ms) },
    ],
  },
];
