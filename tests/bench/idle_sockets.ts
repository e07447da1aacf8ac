/** Idle sockets with a subscription each: their cost in memory and CPU. */

import { pause } from "../../src/demo/pause.ts";
import { CROWDED, type LeanClient, request } from "./lean_client.ts";
import { answerPing, connect, HEARTBEAT, makeMany } from "./loads.ts";
import { sendWhenDue } from "./open_loop.ts";
import type { Server } from "./processes.ts";

const SETTLE_MS = 1_000;

/** The cost of one socket. */
export interface IdleCost {
  readonly kibPerSocket: number;
  /** Of one core, for all sockets. */
  readonly cpuPercent: number;
}

/** Opens sockets and measures their cost, with regular heartbeats on each. */
export async function idleSockets(
  server: Server,
  { sockets, heartbeatMs, ms, bare = false }: {
    sockets: number;
    heartbeatMs: number;
    ms: number;
    bare?: boolean;
  },
): Promise<IdleCost> {
  const first = await open(server, bare);
  await pause(SETTLE_MS / 2);
  const before = server.rssBytes();
  const clients = await makeMany(sockets, () => open(server, bare));
  await pause(SETTLE_MS);
  const kibPerSocket = (server.rssBytes() - before) / sockets / 1_024;
  let turn = 0;
  const stop = sendWhenDue(sockets / heartbeatMs * 1_000, () => {
    const client = clients[turn++ % sockets];
    client?.send(HEARTBEAT);
    client?.flush();
  });
  // Each has sent a heartbeat once: the extra cost of the first one is not counted.
  await pause(Math.min(ms, heartbeatMs));
  const [cpu, begun] = [server.cpuSeconds(), performance.now()];
  await pause(ms);
  const seconds = (performance.now() - begun) / 1_000;
  const cpuPercent = (server.cpuSeconds() - cpu) / seconds * 100;
  stop();
  for (const client of [first, ...clients]) client.close();
  return { kibPerSocket, cpuPercent };
}

async function open(server: Server, bare: boolean): Promise<LeanClient> {
  const client = await connect(server, !bare, CROWDED);
  if (!bare) await request(client, { id: 2, type: "subscribe", topic: "news" });
  client.onMessage = (bytes) => answerPing(client, bytes);
  return client;
}
