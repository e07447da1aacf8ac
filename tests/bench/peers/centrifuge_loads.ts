/**
 * The benchmark loads for Centrifugo's engine, each against a new server: publishes to a channel
 * that keeps its history, and one publisher whose records go to many subscribers.
 */

import { dueMsOf, fixText } from "../frames.ts";
import { CROWDED } from "../lean_client.ts";
import { type Figure, makeMany, measure, warmUpMs } from "../loads.ts";
import { Latencies, sendWhenDue } from "../open_loop.ts";
import type { Server } from "../processes.ts";
import { CentrifugeClient } from "./centrifuge_client.ts";
import { type Load, publish, type Publisher } from "./publishing.ts";

const DRIVERS = 6_400;

function publication(channel: string, key: string, n: number, dueMs?: number): string {
  return `"publish":{"channel":"${channel}","data":${fixText(key, n, dueMs)}}`;
}

class CentrifugePublisher implements Publisher {
  readonly #client: CentrifugeClient;
  readonly #number: number;
  #sent = 0;
  onAcknowledged: (records: number) => void = () => {};

  constructor(client: CentrifugeClient, number: number) {
    this.#client = client;
    this.#number = number;
    client.onCame = ({ replies }) => replies > 0 && this.onAcknowledged(replies);
  }

  write(records: number, dueMs?: number): void {
    for (let i = 0; i < records; i++) {
      const n = this.#sent++;
      const key = `cab${(this.#number * 100 + n % 100) % DRIVERS}`;
      this.#client.write(publication("gps", key, n, dueMs));
    }
  }

  flush(): void {
    this.#client.flush();
  }

  close(): void {
    this.#client.close();
  }
}

/** Single records from many sockets; acknowledged ones are only in memory. */
export async function centrifugePublishes(
  server: Server,
  load: Load & { readonly sockets: number },
): Promise<Figure> {
  const publishers = await makeMany(
    load.sockets,
    async (number) => new CentrifugePublisher(await CentrifugeClient.connect(server), number),
  );
  return { ...await publish(server, publishers, load), note: "not durable: kept in memory" };
}

export interface CentrifugeFanOut {
  readonly sockets: number;
  /** Records sent that the first subscriber has not got yet. */
  readonly window: number;
  readonly ms: number;
  /** Deliveries due per second; unless given, the next record is sent when one has arrived. */
  readonly perSecond?: number | undefined;
}

const CHANNEL = "news";
/** One subscriber in so many measures when its records were due. */
const SAMPLED = 50;

/** One publisher of single records, and many sockets that subscribe to all of them. */
export async function centrifugeFanOut(server: Server, load: CentrifugeFanOut): Promise<Figure> {
  const { sockets, window, ms, perSecond } = load;
  let latencies = new Latencies(Infinity);
  let delivered = 0;
  let sampled = 0;
  const due: number[] = [];
  const publisher = await CentrifugeClient.connect(server);
  const send = (records: number, dueMs?: number) => {
    for (let i = 0; i < records; i++) {
      due.push(dueMs ?? 0);
      publisher.write(publication(CHANNEL, "cab1", due.length, dueMs));
    }
    publisher.flush();
  };
  const refill = () => send(window - (due.length - sampled));
  const subscribers = await makeMany(sockets, async (number) => {
    const client = await CentrifugeClient.connect(server, CROWDED);
    await client.request(`"subscribe":{"channel":"${CHANNEL}"}`);
    client.onCame = ({ pushes, bytes }) => {
      delivered += pushes;
      if (perSecond !== undefined && number % SAMPLED === 0) sample(bytes, latencies);
      if (number > 0) return;
      sampled += pushes;
      if (perSecond === undefined) refill();
    };
    return client;
  });
  latencies = new Latencies(performance.now() + warmUpMs(ms));
  if (perSecond === undefined) refill();
  const stop = perSecond === undefined
    ? () => {}
    : sendWhenDue(perSecond / sockets, (dueMs) => send(1, dueMs));
  const figure = await measure(server, ms, () => delivered);
  stop();
  for (const client of [publisher, ...subscribers]) client.close();
  if (perSecond === undefined) return figure;
  latencies.unanswered(due.slice(sampled), performance.now());
  return { ...figure, latencies: latencies.sorted() };
}

const text = new TextDecoder();

function sample(bytes: Uint8Array, latencies: Latencies): void {
  const now = performance.now();
  const message = text.decode(bytes);
  for (let at = 0; (at = message.indexOf('"value":', at)) >= 0; at++) {
    latencies.answered(dueMsOf(message, at), now);
  }
}
