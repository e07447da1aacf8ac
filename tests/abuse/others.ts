/**
 * The others: pairs of a socket that publishes and one that follows it, which do nothing wrong. They
 * tell how long a record takes from the one to the other, and that none is lost. First they find out
 * how much goes through; afterwards they publish at a rate, whatever comes of it, so that a gateway
 * which stands still is measured as such.
 */

import { pause } from "../../src/demo/pause.ts";
import { LeanClient, request } from "../bench/lean_client.ts";
import { Tally } from "../storm/follower.ts";
import { type Access, tokenOf } from "./access.ts";
import { type Window, windowOf } from "./figures.ts";

const TOPIC = "others";
const WARM_UP_MS = 1_000;
const TICK_MS = 2;
const HEARTBEAT_MS = 5_000;
const CREDIT = 100_000;
/** Records after which a follower gives as much credit again. */
const CREDIT_STEP = 10_000;
/** How long what was sent may take; what then has not come counts as if it came at that time. */
const PATIENCE_MS = 30_000;

export interface OthersOptions {
  readonly port: number;
  /** The gateway makes topics of so many partitions. */
  readonly pairs: number;
  readonly access: Access;
}

export interface Totals {
  readonly acknowledged: number;
  readonly refused: number;
  /** Publishes that were never answered. */
  readonly unanswered: number;
  /** Records that were acknowledged and did not come. */
  readonly lost: number;
  readonly doubled: number;
}

export class Others {
  readonly #pairs: readonly Pair[];
  readonly #heartbeat: ReturnType<typeof setInterval>;

  private constructor(pairs: readonly Pair[]) {
    this.#pairs = pairs;
    this.#heartbeat = setInterval(() => {
      for (const pair of pairs) pair.beat();
    }, HEARTBEAT_MS);
  }

  static async connect({ port, pairs: count, access }: OthersOptions): Promise<Others> {
    const pairs: Pair[] = [];
    for (let partition = 0; partition < count; partition++) {
      pairs.push(await Pair.connect(port, partition, access));
    }
    return new Others(pairs);
  }

  /** Records a second that go through when each pair has so many under way. */
  async capacity(ms: number, underWay: number): Promise<number> {
    for (const pair of this.#pairs) pair.keepUnderWay(underWay);
    await pause(Math.min(WARM_UP_MS, ms));
    const [before, begun] = [this.#delivered, performance.now()];
    await pause(ms);
    const perSecond = (this.#delivered - before) / (performance.now() - begun) * 1_000;
    for (const pair of this.#pairs) pair.keepUnderWay(0);
    await this.#settled();
    return perSecond;
  }

  /** Publishes so many a second, and waits until they have come. */
  async window(ms: number, perSecond: number): Promise<Window> {
    for (const pair of this.#pairs) pair.latencies = [];
    const begun = performance.now();
    let sent = 0;
    for (let now = begun; now < begun + ms; now = performance.now()) {
      for (const due = (now - begun) / 1_000 * perSecond; sent < due; sent++) {
        this.#pairs[sent % this.#pairs.length]?.publish();
      }
      for (const pair of this.#pairs) pair.flush();
      await pause(TICK_MS);
    }
    await this.#settled();
    const missing = this.#pairs.reduce((sum, pair) => sum + pair.missing, 0);
    return windowOf([
      ...this.#pairs.flatMap(({ latencies }) => latencies),
      ...Array<number>(missing).fill(PATIENCE_MS),
    ]);
  }

  get totals(): Totals {
    const sum = (of: (pair: Pair) => number) =>
      this.#pairs.reduce((sum, pair) => sum + of(pair), 0);
    const acknowledged = sum((pair) => pair.acknowledged);
    return {
      acknowledged,
      refused: sum((pair) => pair.refused),
      unanswered: sum((pair) => pair.unanswered),
      lost: Math.max(0, acknowledged - this.#delivered),
      doubled: sum((pair) => pair.doubled),
    };
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const pair of this.#pairs) pair.close();
  }

  get #delivered(): number {
    return this.#pairs.reduce((sum, pair) => sum + pair.delivered, 0);
  }

  async #settled(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    const isSettled = (pair: Pair) => pair.missing <= 0 && pair.unanswered === 0;
    while (!this.#pairs.every(isSettled) && performance.now() < end) await pause(TICK_MS);
  }
}

class Pair {
  readonly #partition: number;
  readonly #publisher: LeanClient;
  readonly #follower: LeanClient;
  readonly #tally = new Tally();
  #sent = 0;
  /** So many are to be under way; 0: none is sent by itself. */
  #underWay = 0;
  #credit = 0;
  acknowledged = 0;
  refused = 0;
  delivered = 0;
  doubled = 0;
  latencies: number[] = [];

  private constructor(partition: number, publisher: LeanClient, follower: LeanClient) {
    this.#partition = partition;
    this.#publisher = publisher;
    this.#follower = follower;
    publisher.onMessage = (bytes) => this.#replied(decoder.decode(bytes));
    follower.onMessage = (bytes) => this.#came(decoder.decode(bytes));
  }

  static async connect(port: number, partition: number, access: Access): Promise<Pair> {
    const identity = await tokenOf(access, `other-${partition}`);
    const [publisher, follower] = [await greeted(port, identity), await greeted(port, identity)];
    await request(follower, {
      id: 2,
      type: "subscribe",
      topic: TOPIC,
      partitions: [partition],
      credit: { records: CREDIT },
    });
    return new Pair(partition, publisher, follower);
  }

  get unanswered(): number {
    return this.#sent - this.acknowledged - this.refused;
  }

  /** Records that may yet come, or are lost. */
  get missing(): number {
    return this.#sent - this.refused - this.delivered;
  }

  keepUnderWay(count: number): void {
    this.#underWay = count;
    for (let i = 0; i < count; i++) this.publish();
    this.flush();
  }

  /** Puts a record into the next write. */
  publish(): void {
    const number = this.#sent++;
    this.#publisher.send(
      `{"type":"publish","id":${number + 2},"topic":"${TOPIC}","records":[{"value":{"number":` +
        `${number},"at":${performance.now().toFixed(3)}},"partition":${this.#partition}}]}`,
    );
  }

  flush(): void {
    this.#publisher.flush();
  }

  beat(): void {
    for (const client of [this.#publisher, this.#follower]) {
      client.send('{"type":"heartbeat"}');
      client.flush();
    }
  }

  close(): void {
    this.#publisher.close();
    this.#follower.close();
  }

  #replied(message: string): void {
    this.acknowledged += occurrences(message, '"type":"ok"');
    this.refused += occurrences(message, '"type":"error"');
  }

  #came(message: string): void {
    const now = performance.now();
    let came = 0;
    for (let at = 0; (at = message.indexOf(NUMBER, at)) >= 0; came++) {
      const number = parseInt(message.slice(at += NUMBER.length, at + 16));
      const sentAt = message.indexOf(AT, at) + AT.length;
      this.latencies.push(now - parseFloat(message.slice(sentAt, sentAt + 20)));
      if (this.#tally.take(number)) this.delivered++;
      else this.doubled++;
    }
    this.#give(came);
    if (this.#underWay === 0) return;
    for (; came > 0; came--) this.publish();
    this.flush();
  }

  #give(came: number): void {
    this.#credit += came;
    if (this.#credit < CREDIT_STEP) return;
    this.#follower.send(`{"type":"credit","subscription":1,"records":${this.#credit}}`);
    this.#follower.flush();
    this.#credit = 0;
  }
}

const NUMBER = '"number":';
const AT = '"at":';
const decoder = new TextDecoder();

function occurrences(text: string, wanted: string): number {
  let count = 0;
  for (let at = 0; (at = text.indexOf(wanted, at)) >= 0; at += wanted.length) count++;
  return count;
}

async function greeted(port: number, identity: { token?: string }): Promise<LeanClient> {
  const client = await LeanClient.connect(port);
  await request(client, { id: 1, type: "hello", ...identity });
  return client;
}
