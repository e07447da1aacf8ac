/**
 * The loads of the benchmarks, each against a server that is already running: they return how many
 * records a second went through and what a core of the server did, never a verdict.
 */

import { framesOf, LeanClient, request } from "./lean_client.ts";
import type { Server } from "./processes.ts";

export interface Figure {
  readonly perSecond: number;
  /** Per second of the server's CPU time. */
  readonly perCpuSecond: number;
  readonly note?: string;
}

const WARM_UP_MS = 1_000;
const VALUE = (i: number) =>
  `{"lat":37.${751_340 + (i % 9_000)},"lon":-122.${391_350 + (i % 9_000)},"time":121303${
    1_000 + (i % 8_000)
  },"occupied":${i % 2}}`;

/** Counts `count()` over the measured time, after a warm-up. */
async function measure(server: Server, ms: number, count: () => number): Promise<Figure> {
  await pause(WARM_UP_MS);
  const [from, cpu, begun] = [count(), server.cpuSeconds(), performance.now()];
  await pause(ms);
  const seconds = (performance.now() - begun) / 1_000;
  const done = count() - from;
  return {
    perSecond: done / seconds,
    perCpuSecond: done / Math.max(0.01, server.cpuSeconds() - cpu),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Connects and says hello; the bare servers answer nothing of use, so they are not greeted. */
async function connect(server: Server, greet: boolean): Promise<LeanClient> {
  const client = await LeanClient.connect(server.port);
  if (greet) await request(client, { id: 1, type: "hello" });
  return client;
}

const OK = new TextEncoder().encode('"type":"ok"');

/** How many replies a message holds, without parsing it. */
function countOks(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; (at = indexOf(bytes, OK, at)) >= 0; at += OK.length) count++;
  return count;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const last = bytes.length - wanted.length;
  outer: for (let at = from; at <= last; at++) {
    if (bytes[at] !== 0x22) continue;
    for (let i = 1; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) continue outer;
    return at;
  }
  return -1;
}

/** Publishes from many sockets with a window in flight on each, every one its own producer. */
export async function publishes(
  server: Server,
  options: { sockets: number; window: number; records: number; ms: number; bare?: boolean },
): Promise<Figure> {
  const { sockets, window, records, ms, bare = false } = options;
  let acked = 0;
  let running = true;
  const clients: LeanClient[] = [];
  const senders: (() => void)[] = [];
  for (let s = 0; s < sockets; s++) {
    const client = await connect(server, !bare);
    const producer = bare
      ? { id: "01KB0000000000000000000000", epoch: 1764000000000 }
      : (await request(client, { id: 2, type: "initProducer" }))["producer"];
    const stamp = JSON.stringify(producer).slice(0, -1);
    let id = 10;
    let sequence = 0;
    const send = (count: number) => {
      for (let i = 0; i < count; i++) {
        client.send(
          `{"type":"publish","id":${id++},"topic":"gps","records":[${
            batch(s, sequence, records)
          }],"producer":${stamp},"sequence":${sequence++}}}`,
        );
      }
      client.flush();
    };
    client.onMessage = (bytes) => {
      const count = countOks(bytes);
      if (count === 0) throw new Error(new TextDecoder().decode(bytes).slice(0, 300));
      acked += count;
      if (running) send(count);
    };
    clients.push(client);
    senders.push(() => send(window));
  }
  for (const begin of senders) begin();
  const figure = await measure(server, ms, () => acked * records);
  running = false;
  for (const client of clients) client.close();
  return figure;
}

function batch(socket: number, sequence: number, count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) {
    const driver = (socket * 100 + (sequence + i) % 100) % 6_400;
    text += `${i > 0 ? "," : ""}{"key":"cab${driver}","value":${VALUE(sequence + i)}}`;
  }
  return text;
}

/** Publishes of 100 records, a group of four that commits what it has read. */
export async function group(server: Server, ms: number): Promise<Figure> {
  const { clients, consumed } = await consumers(server, 4);
  const producing = publishes(server, { sockets: 8, window: 4, records: 100, ms: ms + 500 });
  const figure = await measure(server, ms, () => consumed.records);
  const published = await producing;
  for (const client of clients) client.close();
  const lag = Math.max(0, consumed.end - consumed.next);
  return { ...figure, note: `published ${Math.round(published.perSecond)}/s, lag ${lag}` };
}

async function consumers(server: Server, count: number) {
  const consumed = { records: 0, next: 0, end: 0 };
  const clients: LeanClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await connect(server, true);
    let id = 100;
    client.onMessage = (bytes) => {
      const commits = new Map<number, { topic: string; partition: number; offset: number }[]>();
      for (const frame of framesOf(bytes)) {
        if (frame["type"] !== "records") continue;
        const { subscription, topic, partition, records, next } = frame as unknown as {
          subscription: number;
          topic: string;
          partition: number;
          records: unknown[];
          next: number;
        };
        consumed.records += records.length;
        const offsets = commits.get(subscription) ?? [];
        offsets.push({ topic, partition, offset: next });
        commits.set(subscription, offsets);
        client.send(`{"type":"credit","subscription":${subscription},"records":${records.length}}`);
      }
      for (const [subscription, offsets] of commits) {
        const last = new Map(offsets.map((offset) => [offset.partition, offset]));
        client.send(
          JSON.stringify({ type: "commit", id: id++, subscription, offsets: [...last.values()] }),
        );
      }
      client.flush();
    };
    await request(client, {
      id: 2,
      type: "join",
      group: "bench",
      topics: ["gps"],
      credit: { records: 50_000 },
    });
    clients.push(client);
  }
  return { clients, consumed };
}

/** One publisher of single records, many sockets that follow the topic. */
export async function fanOut(
  server: Server,
  options: { sockets: number; window: number; ms: number; bare?: boolean },
): Promise<Figure> {
  const { sockets, window, ms, bare = false } = options;
  let delivered = 0;
  let sampled = 0;
  const followers: LeanClient[] = [];
  const publisher = await connect(server, !bare);
  if (!bare) {
    await request(publisher, {
      id: 9,
      type: "publish",
      topic: "news",
      records: [{ value: 0, partition: 0 }],
    });
  }
  for (let s = 0; s < sockets; s++) {
    const client = await connect(server, !bare);
    if (!bare) {
      await request(client, {
        id: 2,
        type: "subscribe",
        topic: "news",
        partitions: [0],
        credit: { records: 100_000 },
      });
    }
    client.onMessage = (bytes) => {
      const count = countRecords(bytes);
      delivered += count;
      if (s === 0) sampled += count;
      if (s === 0) refill();
    };
    followers.push(client);
  }
  let id = 10;
  let sent = 0;
  const refill = () => {
    while (sent - sampled < window) {
      sent++;
      publisher.send(
        bare
          ? `{"type":"records","subscription":1,"topic":"news","partition":0,"records":[{"offset":${sent},` +
            `"timestamp":1764000000000,"key":"cab1","value":${VALUE(sent)}}],"next":1,"bytes":100}`
          : `{"type":"publish","id":${id++},"topic":"news","records":[{"key":"cab1","value":${
            VALUE(sent)
          },"partition":0}]}`,
      );
    }
    publisher.flush();
  };
  const granting = bare ? undefined : setInterval(() => {
    for (const client of followers) {
      client.send('{"type":"credit","subscription":1,"records":100000}');
      client.flush();
    }
  }, 500);
  refill();
  const figure = await measure(server, ms, () => delivered);
  clearInterval(granting);
  for (const client of [publisher, ...followers]) client.close();
  return figure;
}

const OFFSET = new TextEncoder().encode('"offset":');

function countRecords(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; (at = indexOf(bytes, OFFSET, at)) >= 0; at += OFFSET.length) count++;
  return count;
}

/** Milliseconds from a lone publish to its acknowledgement, one at a time. */
export async function idleLatency(server: Server, rounds: number): Promise<number[]> {
  const client = await connect(server, true);
  const taken: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    await request(client, {
      id: 10 + i,
      type: "publish",
      topic: "gps",
      records: [{ key: "cab1", value: i }],
    });
    taken.push(performance.now() - begun);
    await pause(1);
  }
  client.close();
  return taken.sort((a, b) => a - b);
}

/** Bytes of resident memory that an idle socket with a subscription costs. */
export async function idleMemory(server: Server, sockets: number): Promise<number> {
  const one = await connect(server, true);
  await request(one, { id: 2, type: "subscribe", topic: "news" });
  await pause(500);
  const before = server.rssBytes();
  const clients: LeanClient[] = [one];
  for (let i = 0; i < sockets; i++) {
    const client = await connect(server, true);
    await request(client, { id: 2, type: "subscribe", topic: "news" });
    clients.push(client);
  }
  await pause(1_000);
  const bytes = (server.rssBytes() - before) / sockets;
  for (const client of clients) client.close();
  return bytes;
}
