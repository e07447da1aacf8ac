/** Rows of the client, compared with ready-made frames. */

import { clientFanOut, clientGroup, clientPublishes, parsedFanOut } from "../client_loads.ts";
import { fanOut } from "../fan_out.ts";
import { group } from "../group_reading.ts";
import { publishes } from "../publishing.ts";
import { type Row, side } from "../row.ts";

const SINGLE = { sockets: 64, window: 64, records: 1 };
const BATCHES = { sockets: 16, window: 4, records: 100 };
const FAN_OUT = { clients: 1_000, window: 16 };

export const clientRows: readonly Row[] = [
  {
    name: "C1",
    load: "publishes of one record through the client, beside ready-made frames; records/s",
    sides: ({ gateway }) => [
      side("client", gateway, (s, ms) => clientPublishes(s, { clients: 4, records: 1, ms })),
      side("frames", gateway, (s, ms) => publishes(s, { ...SINGLE, ms })),
    ],
  },
  {
    name: "C2",
    load: "publishes of 100 records through the client, beside ready-made frames; records/s",
    sides: ({ gateway }) => [
      side("client", gateway, (s, ms) => clientPublishes(s, { clients: 4, records: 100, ms })),
      side("frames", gateway, (s, ms) => publishes(s, { ...BATCHES, ms })),
    ],
  },
  {
    name: "C3",
    load: "publish → group of 4 → commit through the client, beside ready-made frames; records/s",
    sides: ({ gateway }) => [
      side("client", gateway, (s, ms) => clientGroup(s, ms)),
      side("frames", gateway, (s, ms) => group(s, ms)),
    ],
  },
  {
    name: "C4",
    load: "one record to 1,000 clients that follow, beside ready-made frames; deliveries/s",
    sides: ({ gateway }) => [
      side("client", gateway, (s, ms) => clientFanOut(s, { ...FAN_OUT, ms })),
      side("bare sockets that parse", gateway, (s, ms) => parsedFanOut(s, { ...FAN_OUT, ms })),
      side("frames", gateway, (s, ms) => fanOut(s, { sockets: 1_000, window: 16, ms })),
    ],
  },
];
