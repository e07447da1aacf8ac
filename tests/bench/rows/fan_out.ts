/** Rows of fan-out: everything to everybody, and by key. */

import { fanOut, type FanOutLoad } from "../fan_out.ts";
import { keyedFanOut } from "../keyed_fan_out.ts";
import { centrifugeSides } from "../peer_sides.ts";
import { startScript } from "../processes.ts";
import { type Bench, type Row, type Side, side } from "../row.ts";

const WINDOW = 16;
const FAN_OUT_GOAL = "1.2 × the loop that sends each alone, 0.5 × combined; Centrifugo by CPU 1 ×";

export const fanOutRows: readonly Row[] = [
  {
    name: "P4",
    load: "one record to 1,000 sockets; deliveries/s",
    goal: FAN_OUT_GOAL,
    isQuick: true,
    sides: (bench) => sides(bench, 1_000),
  },
  {
    name: "P4",
    load: "one record to 5,000 sockets; deliveries/s",
    goal: FAN_OUT_GOAL,
    sides: (bench) => sides(bench, 5_000),
  },
  {
    name: "P11",
    load: "fan-out by key: 10,000 sockets with a key each, 50,000 records/s in, if it takes them",
    goal: "within 20 % of the CPU of the same with nobody following but for the sends; none lost",
    isOnce: true,
    figures: keyedFanOut,
  },
];

async function sides(bench: Bench, sockets: number): Promise<(Side | string)[]> {
  const load = (rest: Partial<FanOutLoad>) => fanOutTo({ sockets, window: WINDOW, ...rest });
  return [
    side("weir", bench.gateway, load({})),
    ...["broadcast", "broadcastCombined"].map((MODE) =>
      side(
        `bare loop, ${MODE === "broadcast" ? "each alone" : "combined"}`,
        () => startScript("bare_socket.ts", { MODE }),
        load({ bare: true }),
      )
    ),
    ...await centrifugeSides(
      bench,
      ({ centrifugeFanOut }) => (server, ms, perSecond) =>
        centrifugeFanOut(server, { sockets, window: WINDOW, ms, perSecond }),
    ),
  ];
}

function fanOutTo(load: Omit<FanOutLoad, "ms">): Parameters<typeof side>[2] {
  return (server, ms, perSecond) => fanOut(server, { ...load, ms, perSecond });
}
