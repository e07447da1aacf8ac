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
const text = new TextDecoder();
const VALUE = (i: number) =>
  `{"lat":37.${751_340 + (i % 9_000)},"lon":-122.${391_350 + (i % 9_000)},"time":121303${
    1_000 + (i % 8_000)
  },"occupied":${i % 2}}`;

/** Counts `count()` over the measured time, after a warm-up. */
export async function measure(server: Server, ms: number, count: () => number): Promise<Figure> {
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

export interface PublishOptions {
  readonly topic?: string;
  readonly sockets: number;
  /** Publishes in flight on each. */
  readonly window: number;
  /** Records of each publish. */
  readonly records: number;
  readonly ms: number;
  /** Against a bare socket, which knows no producers. */
  readonly bare?: boolean;
  /** Called with what would be sent next, which may be put off. */
  readonly pace?: (send: () => void, records: number) => void;
}

/** Publishes from many sockets with a window in flight on each, every one its own producer. */
export async function publishes(server: Server, options: PublishOptions): Promise<Figure> {
  const { sockets, window, records, ms, bare = false, topic = "gps", pace = (send) => send() } =
    options;
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
          `{"type":"publish","id":${id++},"topic":"${topic}","records":[${
            batch(s, sequence, records)
          }],"producer":${stamp},"sequence":${sequence++}}}`,
        );
      }
      client.flush();
    };
    client.onMessage = (bytes) => {
      const count = countOks(bytes);
      if (count === 0) throw new Error(text.decode(bytes).slice(0, 300));
      acked += count;
      if (running) pace(() => send(count), count * records);
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

/** How far the consumers may be behind before the producers wait for them. */
const LAG_MAX = 50_000;

/** Publishes of 100 records, a group of four that commits what it has read. */
export async function group(server: Server, ms: number): Promise<Figure> {
  let lag = 0;
  let consumed = 0;
  let lagSeen = 0;
  const waiting: (() => void)[] = [];
  const consumers = await Promise.all(
    [0, 1, 2, 3].map(() =>
      consumer(server, (records) => {
        consumed += records;
        lag -= records;
        while (lag < LAG_MAX && waiting.length > 0) waiting.shift()?.();
      })
    ),
  );
  const pace = (send: () => void, records: number) => {
    const go = () => {
      lag += records;
      lagSeen = Math.max(lagSeen, lag);
      send();
    };
    if (lag < LAG_MAX) go();
    else waiting.push(go);
  };
  const producing = publishes(server, { sockets: 8, window: 4, records: 100, ms: ms + 500, pace });
  const figure = await measure(server, ms, () => consumed);
  await producing;
  for (const client of consumers) client.close();
  return { ...figure, note: `lag at most ${lagSeen}` };
}

/** A member of the group that commits every message and says how many records it had. */
async function consumer(server: Server, took: (records: number) => void): Promise<LeanClient> {
  const client = await connect(server, true);
  let id = 100;
  client.onMessage = (bytes) => {
    const message = text.decode(bytes);
    const next = new Map<number, number>();
    let records = 0;
    // As little parsing as will do: the gateway is what is measured.
    for (let at = 0; (at = message.indexOf('"type":"records"', at)) >= 0;) {
      const partition = numberBehind(message, '"partition":', at);
      const end = message.indexOf('"next":', at);
      for (; (at = message.indexOf('{"offset":', at)) >= 0 && at < end; at++) records++;
      next.set(partition, numberBehind(message, '"next":', end));
      at = end;
    }
    if (message.includes('"type":"revoke"')) release(client, bytes);
    if (records === 0) return;
    took(records);
    const offsets = [...next].map(([partition, offset]) => ({ topic: "gps", partition, offset }));
    client.send(`{"type":"credit","subscription":1,"records":${records}}`);
    client.send(JSON.stringify({ type: "commit", id: id++, subscription: 1, offsets }));
    client.flush();
  };
  const credit = { records: 50_000 };
  await request(client, { id: 2, type: "join", group: "bench", topics: ["gps"], credit });
  return client;
}

/** Gives up what the members that join later are to have. */
function release(client: LeanClient, bytes: Uint8Array): void {
  for (const { type, subscription, partitions } of framesOf(bytes)) {
    if (type === "revoke") {
      client.send(JSON.stringify({ type: "release", subscription, partitions }));
    }
  }
  client.flush();
}

function numberBehind(message: string, name: string, from: number): number {
  const begin = message.indexOf(name, from) + name.length;
  return parseInt(message.slice(begin, begin + 16));
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
