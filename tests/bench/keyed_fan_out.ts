/**
 * Fan-out by key, and how much of its cost is not the sends: the same records are published with no
 * followers, with sockets that follow keys that none of the records has, and with sockets that
 * follow their keys.
 */

import { pause } from "../../src/demo/pause.ts";
import { countRecords, fixText } from "./frames.ts";
import { CROWDED, type LeanClient, request } from "./lean_client.ts";
import { answerPing, connect, makeMany, withServer } from "./loads.ts";
import { publishes } from "./publishing.ts";
import type { Bench, Figures } from "./row.ts";
import type { Server } from "./processes.ts";

const SOCKETS = 10_000;
const PER_SECOND = 50_000;
const PUBLISHES = { sockets: 8, window: 16, records: 100 };
const PATIENCE_MS = 10_000;

export async function keyedFanOut({ gateway, ms, isQuick }: Bench): Promise<Figures> {
  const sockets = isQuick ? SOCKETS / 10 : SOCKETS;
  const alone = await withServer(gateway(), (server) => run(server, ms, 0, sockets));
  const others = await withServer(gateway(), (server) => run(server, ms, sockets, sockets, "x"));
  const theirs = await withServer(gateway(), (server) => run(server, ms, sockets, sockets));
  return {
    "records/s in, no subscriber": alone.perSecond,
    "records/s in, keys that none of them has": others.perSecond,
    "records/s in, a key of theirs each": theirs.perSecond,
    "µs of CPU a record, no subscriber": alone.cpuMicros,
    "µs of CPU a record, keys that none of them has": others.cpuMicros,
    "  over that with no subscriber": others.cpuMicros / alone.cpuMicros,
    "µs of CPU a record, a key of theirs each": theirs.cpuMicros,
    "  of which the sends": theirs.cpuMicros - others.cpuMicros,
    "delivered": theirs.delivered,
    "lost": theirs.acked - theirs.delivered,
  };
}

interface Run {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly acked: number;
  readonly delivered: number;
}

async function run(
  server: Server,
  ms: number,
  followers: number,
  keys: number,
  prefix = "",
): Promise<Run> {
  // Creates the topic before anybody follows it.
  const maker = await connect(server);
  const records = [{ key: "nobody", value: 0 }];
  await request(maker, { id: 9, type: "publish", topic: "gps", records });
  let [acked, delivered] = [0, 0];
  const clients = await makeMany(followers, async (number) => {
    const client = await follow(server, `${prefix}rider${number}`);
    client.onMessage = (bytes) => {
      const count = countRecords(bytes);
      if (count === 0) answerPing(client, bytes);
      delivered += count;
    };
    return client;
  });
  const figure = await publishes(server, {
    ...PUBLISHES,
    ms,
    perSecond: PER_SECOND,
    record: (socket, n, dueMs) =>
      fixText(`rider${(n * PUBLISHES.sockets + socket) % keys}`, n, dueMs),
    acknowledged: (count) => acked += count,
  });
  if (followers > 0 && prefix === "") await until(() => delivered >= acked);
  for (const client of [maker, ...clients]) client.close();
  const { perSecond, perCpuSecond } = figure;
  return { perSecond, cpuMicros: 1e6 / perCpuSecond, acked, delivered };
}

async function follow(server: Server, key: string): Promise<LeanClient> {
  const client = await connect(server, true, CROWDED);
  const credit = { records: 100_000 };
  await request(client, { id: 2, type: "subscribe", topic: "gps", keys: [key], credit });
  return client;
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds() && performance.now() < end) await pause(20);
}
