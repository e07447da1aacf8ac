/** One publisher of single records, and many sockets that follow all of them. */

import { countRecords, dueMsOf, fixText } from "./frames.ts";
import { CROWDED, type LeanClient, request } from "./lean_client.ts";
import { answerPing, connect, type Figure, makeMany, measure, warmUpMs } from "./loads.ts";
import { Latencies, sendWhenDue } from "./open_loop.ts";
import type { Server } from "./processes.ts";

export interface FanOutLoad {
  readonly sockets: number;
  /** Records sent that the first follower has not got yet. */
  readonly window: number;
  readonly ms: number;
  /** Deliveries due per second; unless given, the next record is sent when one has arrived. */
  readonly perSecond?: number | undefined;
  /** Against a bare socket, which forwards what it gets. */
  readonly bare?: boolean;
}

const TOPIC = "news";
const GRANT_MS = 500;
/** One follower in so many measures when its records were due. */
const SAMPLED = 50;

export async function fanOut(server: Server, load: FanOutLoad): Promise<Figure> {
  const { sockets, window, ms, perSecond, bare = false } = load;
  let latencies = new Latencies(Infinity);
  let delivered = 0;
  let sampled = 0;
  const publisher = await NewsPublisher.connect(server, bare);
  const refill = () => publisher.publish(window - (publisher.sent - sampled));
  const followers = await makeMany(sockets, async (number) => {
    const client = await follow(server, bare);
    client.onMessage = (bytes) => {
      const count = countRecords(bytes);
      if (count === 0) return void answerPing(client, bytes);
      delivered += count;
      if (perSecond !== undefined && number % SAMPLED === 0) sample(bytes, latencies);
      if (number > 0) return;
      sampled += count;
      if (perSecond === undefined) refill();
    };
    return client;
  });
  const stopGranting = bare ? () => {} : grant(followers);
  latencies = new Latencies(performance.now() + warmUpMs(ms));
  if (perSecond === undefined) refill();
  const stop = perSecond === undefined
    ? () => {}
    : sendWhenDue(perSecond / sockets, (dueMs) => publisher.publish(1, dueMs));
  const figure = await measure(server, ms, () => delivered);
  stop();
  stopGranting();
  for (const client of [publisher.client, ...followers]) client.close();
  if (perSecond === undefined) return figure;
  latencies.unanswered(publisher.dueMs.slice(sampled), performance.now());
  return { ...figure, latencies: latencies.sorted() };
}

/** Sends what followers should get; over a bare socket that is the push itself. */
class NewsPublisher {
  readonly client: LeanClient;
  readonly #bare: boolean;
  /** When each was due. */
  readonly dueMs: number[] = [];

  private constructor(client: LeanClient, bare: boolean) {
    this.client = client;
    this.#bare = bare;
  }

  static async connect(server: Server, bare: boolean): Promise<NewsPublisher> {
    const client = await connect(server, !bare);
    const records = [{ value: 0, partition: 0 }];
    if (!bare) await request(client, { id: 9, type: "publish", topic: TOPIC, records });
    return new NewsPublisher(client, bare);
  }

  get sent(): number {
    return this.dueMs.length;
  }

  publish(records: number, dueMs?: number): void {
    for (let i = 0; i < records; i++) {
      this.dueMs.push(dueMs ?? 0);
      this.client.send(this.#frame(this.sent, fixText("cab1", this.sent, dueMs).slice(1, -1)));
    }
    this.client.flush();
  }

  #frame(n: number, record: string): string {
    return this.#bare
      ? `{"type":"records","subscription":1,"topic":"${TOPIC}","partition":0,"records":[` +
        `{"offset":${n},"timestamp":1764000000000,${record}}],"next":1,"bytes":100}`
      : `{"type":"publish","id":${
        10 + n
      },"topic":"${TOPIC}","records":[{${record},"partition":0}]}`;
  }
}

async function follow(server: Server, bare: boolean): Promise<LeanClient> {
  const client = await connect(server, !bare, CROWDED);
  if (bare) return client;
  const credit = { records: 100_000 };
  await request(client, { id: 2, type: "subscribe", topic: TOPIC, partitions: [0], credit });
  return client;
}

function grant(followers: readonly LeanClient[]): () => void {
  const granting = setInterval(() => {
    for (const client of followers) {
      client.send('{"type":"credit","subscription":1,"records":100000}');
      client.flush();
    }
  }, GRANT_MS);
  return () => clearInterval(granting);
}

const text = new TextDecoder();

function sample(bytes: Uint8Array, latencies: Latencies): void {
  const now = performance.now();
  const message = text.decode(bytes);
  for (let at = 0; (at = message.indexOf('"offset":', at)) >= 0; at++) {
    latencies.answered(dueMsOf(message, at), now);
  }
}
