/**
 * Publishes from many sockets, each with its own producer: as fast as answers come, or by the
 * clock.
 */

import { excerpt, fixText, hasRefusal, okReplies } from "./frames.ts";
import { framesOf, type LeanClient, request, type Room } from "./lean_client.ts";
import { answerPing, connect, type Figure, makeMany, measure, warmUpMs } from "./loads.ts";
import { Latencies, sendWhenDue } from "./open_loop.ts";
import type { Server } from "./processes.ts";

export interface Publishes {
  /** The topic, or a function of a socket's nth publish. */
  readonly topic?: string | ((n: number) => string);
  readonly sockets: number;
  /** Publishes in flight on each. */
  readonly window: number;
  /** Records of each publish. */
  readonly records: number;
  /** The text of a socket's nth record. */
  readonly record?: (socket: number, n: number, dueMs?: number) => string;
  /** Against a bare socket, which does not know producers. */
  readonly bare?: boolean;
  readonly room?: Room;
}

export interface PublishLoad extends Publishes {
  readonly ms: number;
  /** Records due per second; unless given, the next is sent when one is answered. */
  readonly perSecond?: number | undefined;
  /** Called instead of sending, which it may delay. */
  readonly pace?: (send: () => void, records: number) => void;
  /** Called with the number of records that were acknowledged. */
  readonly acknowledged?: (records: number) => void;
}

/** The first id of publishes, also of the bare socket. */
const FIRST_ID = 10;
const DRIVERS = 6_400;
/** Number of different publishes of a socket. */
const READY = 32;

/** A publish that is not acknowledged yet. */
interface Sent {
  readonly sequence: number;
  readonly dueMs: number;
}

/** A socket that publishes, and its publishes in flight. */
export class Publisher {
  readonly client: LeanClient;
  readonly #number: number;
  readonly #publishes: Publishes;
  /** Without its closing brace. */
  readonly #producer: string;
  #id = FIRST_ID;
  #sequence = 0;
  /** By id. */
  readonly #inFlight = new Map<number, Sent>();
  /** When each was due. */
  readonly #waiting: number[] = [];
  /** What was refused: it is sent again, in order, when all in flight is answered, and not before. */
  #refused: Sent[] = [];
  #againAt = 0;
  /** The records of its publishes, which are used in turn. */
  readonly #ready: string[] = [];

  private constructor(
    client: LeanClient,
    number: number,
    publishes: Publishes,
    producer: unknown,
  ) {
    this.client = client;
    this.#number = number;
    this.#publishes = publishes;
    this.#producer = JSON.stringify(producer).slice(0, -1);
  }

  static async connect(server: Server, number: number, publishes: Publishes): Promise<Publisher> {
    const { bare = false, room } = publishes;
    const client = await connect(server, !bare, room);
    const producer = bare
      ? { id: "01KB0000000000000000000000", epoch: 1_764_000_000_000 }
      : (await request(client, { id: 2, type: "initProducer" }))["producer"];
    return new Publisher(client, number, publishes, producer);
  }

  /** Records of each publish. */
  get records(): number {
    return this.#publishes.records;
  }

  /** When each was due that is not answered, or not even sent. */
  get unanswered(): Iterable<number> {
    const sent = [...this.#inFlight.values(), ...this.#refused];
    return [...sent.map(({ dueMs }) => dueMs), ...this.#waiting];
  }

  send(publishes: number): void {
    for (let i = 0; i < publishes; i++) this.#publish(this.#sequence++);
    this.client.flush();
  }

  /** Sends it now, or when one in flight is answered. */
  offer(dueMs: number): void {
    this.#waiting.push(dueMs);
    this.#sendWaiting();
  }

  /** Handles the replies in a message. */
  takeReplies(bytes: Uint8Array, answered: (dueMs: number) => void): number {
    const count = okReplies(bytes, (id) => {
      const sent = this.#inFlight.get(id);
      if (sent) answered(sent.dueMs);
      this.#inFlight.delete(id);
    });
    this.#sendWaiting();
    return count;
  }

  /** Handles the refusals in a message, of which there are few; returns how many there were. */
  takeRefusals(bytes: Uint8Array): number {
    if (!hasRefusal(bytes)) return 0;
    let count = 0;
    for (const { type, id, retry, retryAfterMs = 0, message } of framesOf(bytes)) {
      const sent = type === "error" ? this.#inFlight.get(Number(id)) : undefined;
      if (!sent) continue;
      if (retry !== "same" && retry !== "resend") throw new Error(`Refused: ${message}`);
      this.#inFlight.delete(Number(id));
      this.#refused.push(sent);
      this.#againAt = Math.max(this.#againAt, performance.now() + Number(retryAfterMs));
      count++;
    }
    if (count > 0) setTimeout(() => this.#sendAgain(), this.#againAt - performance.now());
    return count;
  }

  #sendAgain(): void {
    if (this.#inFlight.size > 0 || performance.now() < this.#againAt) return;
    const refused = this.#refused.sort((a, b) => a.sequence - b.sequence);
    this.#refused = [];
    for (const sent of refused) this.#sendTracked(sent);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    if (this.#refused.length > 0) return this.#sendAgain();
    while (this.#waiting.length > 0 && this.#inFlight.size < this.#publishes.window) {
      this.#sendTracked({ sequence: this.#sequence++, dueMs: this.#waiting.shift() ?? 0 });
    }
    this.client.flush();
  }

  #sendTracked(sent: Sent): void {
    this.#inFlight.set(this.#publish(sent.sequence, sent.dueMs), sent);
  }

  #publish(sequence: number, dueMs?: number): number {
    const { topic = "gps", record } = this.#publishes;
    const isReady = dueMs === undefined && !record;
    const records = isReady ? this.#readyRecords(sequence) : this.#records(sequence, dueMs);
    const name = typeof topic === "string" ? topic : topic(sequence);
    this.client.send(
      `{"type":"publish","id":${this.#id},"topic":"${name}","records":[${records}],` +
        `"producer":${this.#producer},"sequence":${sequence}}}`,
    );
    return this.#id++;
  }

  /** Records that do not differ are made once, to spare the driver. */
  #readyRecords(sequence: number): string {
    return this.#ready[sequence % READY] ??= this.#records(sequence);
  }

  #records(sequence: number, dueMs?: number): string {
    const { records, record = fixOfDriver } = this.#publishes;
    let text = "";
    for (let i = 0; i < records; i++) {
      text += `${i > 0 ? "," : ""}${record(this.#number, sequence * records + i, dueMs)}`;
    }
    return text;
  }
}

function fixOfDriver(socket: number, n: number, dueMs?: number): string {
  return fixText(`cab${(socket * 100 + n % 100) % DRIVERS}`, n, dueMs);
}

export async function publishes(server: Server, load: PublishLoad): Promise<Figure> {
  const publishers = await makeMany(
    load.sockets,
    (number) => Publisher.connect(server, number, load),
  );
  const { perSecond } = load;
  const figure = perSecond === undefined
    ? await asFastAsAnswered(server, publishers, load)
    : await byTheClock(server, publishers, { ...load, perSecond });
  for (const { client } of publishers) client.close();
  return figure;
}

async function asFastAsAnswered(
  server: Server,
  publishers: readonly Publisher[],
  load: PublishLoad,
): Promise<Figure> {
  const { ms, window, records, pace = (send) => send(), acknowledged = () => {} } = load;
  let acked = 0;
  let running = true;
  for (const publisher of publishers) {
    publisher.client.onMessage = (bytes) => {
      const count = okReplies(bytes);
      if (count === 0) return orFail(publisher.client, bytes);
      acked += count * records;
      acknowledged(count * records);
      if (running) pace(() => publisher.send(count), count * records);
    };
  }
  for (const publisher of publishers) publisher.send(window);
  const figure = await measure(server, ms, () => acked);
  running = false;
  return figure;
}

async function byTheClock(
  server: Server,
  publishers: readonly Publisher[],
  load: PublishLoad & { readonly perSecond: number },
): Promise<Figure> {
  const { ms, records, perSecond, acknowledged = () => {} } = load;
  const latencies = new Latencies(performance.now() + warmUpMs(ms));
  let acked = 0;
  for (const publisher of publishers) {
    publisher.client.onMessage = (bytes) => {
      const now = performance.now();
      const count = publisher.takeReplies(bytes, (dueMs) => latencies.answered(dueMs, now));
      if (count === 0) return orFail(publisher.client, bytes);
      acked += count * records;
      acknowledged(count * records);
    };
  }
  let turn = 0;
  const stop = sendWhenDue(
    perSecond / records,
    (dueMs) => publishers[turn++ % publishers.length]?.offer(dueMs),
  );
  const figure = await measure(server, ms, () => acked);
  stop();
  const now = performance.now();
  for (const { unanswered } of publishers) latencies.unanswered(unanswered, now);
  return { ...figure, latencies: latencies.sorted() };
}

/** Fails for anything other than a reply or a ping, which would not be what is measured. */
function orFail(client: LeanClient, bytes: Uint8Array): void {
  if (!answerPing(client, bytes)) throw new Error(`Not a reply: ${excerpt(bytes)}`);
}

/** Publishes so many records, and waits until they are stored. */
export async function fill(
  server: Server,
  { topic = "gps", total }: { topic?: string; total: number },
): Promise<void> {
  const load = { topic, sockets: 8, window: 4, records: 500 };
  const publishers = await makeMany(
    load.sockets,
    (number) => Publisher.connect(server, number, load),
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  let [sent, acked] = [0, 0];
  const publish = (publisher: Publisher) => {
    if (sent >= total) return;
    sent += load.records;
    publisher.send(1);
  };
  for (const publisher of publishers) {
    publisher.client.onMessage = (bytes) => {
      const count = okReplies(bytes);
      if (count === 0) return orFail(publisher.client, bytes);
      acked += count * load.records;
      for (let i = 0; i < count; i++) publish(publisher);
      if (acked >= total) resolve();
    };
    for (let i = 0; i < load.window; i++) publish(publisher);
  }
  await promise;
  for (const { client } of publishers) client.close();
}
