/**
 * The benchmark loads for NATS JetStream, each against a new server: publishes, a group of four
 * that reads what is published, and reading everything that is stored. If there are several ways,
 * it is the one in which NATS does best.
 */

import { type Figure, measure, measureWhile } from "../loads.ts";
import { NatsClient } from "./nats_client.ts";
import { joinGroup, type Reading } from "./nats_group.ts";
import { fillStreams, type NatsPublishes, publishToStreams } from "./nats_publishing.ts";
import type { NatsServer } from "./nats_server.ts";
import { makeStreams, streamsOf } from "./nats_streams.ts";
import type { Load } from "./publishing.ts";

/** Single records, each acknowledged. */
export async function natsPublishes(
  server: NatsServer,
  load: Load & NatsPublishes,
): Promise<Figure> {
  await makeStreams(server);
  return await publishToStreams(server, load);
}

/** How far the members may be behind before the producers wait for them. */
const LAG_MAX = 50_000;
const MEMBERS = 4;

/** Publishes of 100 records, and a group of four that acknowledges what it has read. */
export async function natsGroup(
  server: NatsServer,
  ms: number,
  reading: Reading = "partitions",
): Promise<Figure> {
  await makeStreams(server);
  let lag = 0;
  let lagSeen = 0;
  let consumed = 0;
  const waiting: (() => void)[] = [];
  const took = (records: number) => {
    consumed += records;
    lag -= records;
    while (lag < LAG_MAX && waiting.length > 0) waiting.shift()?.();
  };
  const group = { reading, members: MEMBERS, pending: LAG_MAX };
  const members: NatsClient[] = [];
  for (let i = 0; i < MEMBERS; i++) members.push(await joinGroup(server, i, group, took));
  const pace = (send: () => void, records: number) => {
    const go = () => {
      lag += records;
      lagSeen = Math.max(lagSeen, lag);
      send();
    };
    if (lag < LAG_MAX) go();
    else waiting.push(go);
  };
  const batch = { batching: server.sync === "always" ? "whole" : "fast", records: 100 } as const;
  const load = { sockets: 8, window: 4 * batch.records, batch, ms: ms + 500, pace };
  const producing = publishToStreams(server, load);
  const figure = await measure(server, ms, () => consumed);
  await producing;
  for (const client of members) client.close();
  return { ...figure, note: `lag at most ${lagSeen}` };
}

const HEARTBEAT_NS = 5e9;

/** Reads so many records from the first, by consumers that push with flow control. */
export async function natsCatchUp(server: NatsServer, records: number): Promise<Figure> {
  await makeStreams(server);
  await fillStreams(server, records);
  const client = await NatsClient.connect(server.port);
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  client.onMessage = (message) => {
    if (message.hasPayload) {
      if (++seen === records) resolve();
      return;
    }
    // A flow control request; or a heartbeat, which says so if the server waits for the reply to
    // one.
    const stalled = /Nats-Consumer-Stalled: (\S+)/.exec(message.headers)?.[1];
    const answerTo = message.reply ?? stalled;
    if (answerTo) client.write(`PUB ${answerTo} 0\r\n\r\n`);
  };
  const read = async () => {
    for (const { name } of streamsOf(server.sync)) await pushAll(client, name);
    await all;
  };
  const figure = await measureWhile(server, read, () => seen);
  client.close();
  return figure;
}

async function pushAll(client: NatsClient, stream: string): Promise<void> {
  const inbox = `${client.inbox}.${stream}`;
  client.subscribe(inbox);
  await client.request(`CONSUMER.CREATE.${stream}`, {
    stream_name: stream,
    config: {
      deliver_subject: inbox,
      deliver_policy: "all",
      ack_policy: "none",
      flow_control: true,
      idle_heartbeat: HEARTBEAT_NS,
      mem_storage: true,
      num_replicas: 1,
    },
  });
}
