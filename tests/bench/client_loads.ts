/**
 * The loads of the benchmarks through the client, as applications run them: it makes the records,
 * serialises and parses them, and counts resolved promises and loop iterations. For comparison with
 * the lean client, which does none of that.
 */

import { type Client, connect } from "../../src/client/mod.ts";
import { type Figure, measure } from "./loads.ts";
import type { Server } from "./processes.ts";

function open(server: Server): Client {
  return connect(`http://127.0.0.1:${server.port}`);
}

function batch(from: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    key: `cab${(from + i) % 6_400}`,
    value: { lat: 37.75134, lon: -122.39135, time: 1_213_031_000 + from + i, occupied: i % 2 },
  }));
}

/** Publishes through producers, as fast as `ready` lets them. */
export async function clientPublishes(
  server: Server,
  { clients, records, ms }: { clients: number; records: number; ms: number },
): Promise<Figure> {
  let acked = 0;
  let running = true;
  const all = Array.from({ length: clients }, () => open(server));
  const loops = all.map(async (client, c) => {
    const producer = client.producer({ maxQueueBytes: 1 << 20 });
    for (let i = c * 1_000; running; i += records) {
      await producer.ready;
      producer.publish("gps", batch(i, records)).then(({ places }) => acked += places.length);
    }
  });
  const figure = await measure(server, ms, () => acked);
  running = false;
  await Promise.all(loops);
  await Promise.all(all.map((client) => client.close()));
  return figure;
}

/** Publishes, with a group of four whose loops commit as the client does. */
export async function clientGroup(server: Server, ms: number): Promise<Figure> {
  let consumed = 0;
  const all = Array.from({ length: 4 }, () => open(server));
  const loops = all.map(async (client) => {
    const capacity = { records: 50_000, bytes: 32 << 20 };
    const consumer = client.consume("gps", { group: "bench", capacity });
    for await (const { records } of consumer.batches()) consumed += records.length;
  });
  const producing = clientPublishes(server, { clients: 2, records: 100, ms: ms + 500 });
  const figure = await measure(server, ms, () => consumed);
  await producing;
  await Promise.all(all.map((client) => client.close()));
  await Promise.all(loops);
  return figure;
}

/** One publisher of single records, many clients that follow. */
export async function clientFanOut(
  server: Server,
  { clients, window, ms }: { clients: number; window: number; ms: number },
): Promise<Figure> {
  let delivered = 0;
  let sampled = 0;
  let sent = 0;
  const publisher = open(server);
  const refill = () => {
    for (; sent - sampled < window; sent++) {
      publisher.publish("news", { ...batch(sent, 1)[0]!, partition: 0 }).catch(() => {});
    }
  };
  const all = Array.from({ length: clients }, () => open(server));
  const subscriptions = all.map((client) =>
    client.subscribe("news", { partitions: [0], capacity: { records: 100_000 } })
  );
  const loops = subscriptions.map(async (subscription, s) => {
    for await (const { records } of subscription.batches()) {
      delivered += records.length;
      if (s === 0) sampled += records.length;
      if (s === 0) refill();
    }
  });
  await Promise.all(subscriptions.map(({ ready }) => ready));
  refill();
  const figure = await measure(server, ms, () => delivered);
  await Promise.all([publisher, ...all].map((client) => client.close()));
  await Promise.all(loops);
  return figure;
}

/**
 * The same without the client: the platform's own sockets, each of which parses what comes. That is
 * the most that a program in JavaScript can get, as the lean client shows the most that the gateway
 * can give.
 */
export async function parsedFanOut(
  server: Server,
  { clients, window, ms }: { clients: number; window: number; ms: number },
): Promise<Figure> {
  let delivered = 0;
  let sampled = 0;
  let sent = 0;
  const publisher = await openSocket(server);
  const refill = () => {
    const frames: string[] = [];
    for (; sent - sampled < window; sent++) {
      const records = [{ ...batch(sent, 1)[0]!, partition: 0 }];
      frames.push(JSON.stringify({ type: "publish", id: 10 + sent, topic: "news", records }));
    }
    if (frames.length > 0) publisher.send(`[${frames.join()}]`);
  };
  const sockets = await Promise.all(Array.from({ length: clients }, () => openSocket(server)));
  for (const [s, socket] of sockets.entries()) {
    let owed = 0;
    await replyTo(socket, {
      type: "subscribe",
      topic: "news",
      partitions: [0],
      credit: { records: 100_000 },
    });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      let records = 0;
      for (const frame of Array.isArray(message) ? message : [message]) {
        if (frame.type === "records") records += frame.records.length;
        else if (frame.type === "ping") socket.send(`{"type":"heartbeat"}`);
      }
      delivered += records;
      owed += records;
      if (owed >= 50_000) {
        socket.send(`{"type":"credit","subscription":1,"records":${owed}}`);
        owed = 0;
      }
      if (s === 0) sampled += records;
      if (s === 0) refill();
    };
  }
  refill();
  const figure = await measure(server, ms, () => delivered);
  for (const socket of [publisher, ...sockets]) socket.close();
  return figure;
}

async function openSocket(server: Server): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/connect`, "weir.v1");
  await new Promise((resolve) => socket.onopen = resolve);
  await replyTo(socket, { type: "hello" });
  return socket;
}

function replyTo(socket: WebSocket, frame: Readonly<Record<string, unknown>>): Promise<unknown> {
  socket.send(JSON.stringify({ id: 1, ...frame }));
  return new Promise((resolve) => socket.onmessage = resolve);
}
