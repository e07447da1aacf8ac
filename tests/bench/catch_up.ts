/** Readers that begin far behind the end of a topic, and are done when they have read all of it. */

import { type Client, connect as connectClient } from "../../src/client/mod.ts";
import { GatewayApi } from "../../src/demo/gateway_api.ts";
import { countRecords } from "./frames.ts";
import { request } from "./lean_client.ts";
import { answerPing, connect, type Figure, measureWhile } from "./loads.ts";
import type { Server } from "./processes.ts";
import { fill } from "./publishing.ts";

const CREDIT = 100_000;
const GRANT = 10_000;
const BYTES = 32 << 20;

export function apiOf(server: Server): GatewayApi {
  return new GatewayApi(`http://127.0.0.1:${server.port}`);
}

/** Where a subscription begins, and how many records there are from there on. */
export interface Start {
  readonly from: unknown;
  readonly records: number;
}

/** The last records of a topic, about as many in each partition. */
export async function lastOf(server: Server, topic: string, records: number): Promise<Start> {
  const { incarnation, partitions } = await apiOf(server).topic(topic);
  const each = Math.ceil(records / partitions.length);
  const positions = partitions.map(({ start, next }, partition) => ({
    partition,
    offset: Math.max(start, next - each),
  }));
  const count = partitions.reduce(
    (sum, { next }, p) => sum + next - (positions[p]?.offset ?? 0),
    0,
  );
  return { from: { positions, incarnation }, records: count };
}

/** Reads by frames, which are only counted. */
export async function readFrames(server: Server, topic: string, start: Start): Promise<void> {
  const client = await connect(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  let [read, owed] = [0, 0];
  client.onMessage = (bytes) => {
    const count = countRecords(bytes);
    if (count === 0) return void answerPing(client, bytes);
    read += count;
    owed += count;
    if (owed >= GRANT) {
      client.send(`{"type":"credit","subscription":1,"records":${owed}}`);
      client.flush();
      owed = 0;
    }
    if (read >= start.records) resolve();
  };
  const { from } = start;
  await request(client, { id: 2, type: "subscribe", topic, from, credit: { records: CREDIT } });
  await promise;
  client.close();
}

/** Reads through the client. */
async function readWithClient(client: Client, topic: string, records: number): Promise<void> {
  const capacity = { records: CREDIT / 2, bytes: BYTES };
  let read = 0;
  for await (const batch of client.subscribe(topic, { from: "earliest", capacity }).batches()) {
    read += batch.records.length;
    if (read >= records) return;
  }
}

/** Records per second that one reader gets, until it has read everything. */
export async function catchUp(
  server: Server,
  { records, reader }: { records: number; reader: "client" | "frames" },
): Promise<Figure> {
  await fill(server, { total: records });
  await using client = connectClient(`http://127.0.0.1:${server.port}`);
  let read = 0;
  return await measureWhile(server, async () => {
    if (reader === "client") await readWithClient(client, "gps", records);
    else await readFrames(server, "gps", { from: "earliest", records });
    read = records;
  }, () => read);
}
