/** Members of a group that commit after every message, and a load of publishes that they read. */

import { PRODUCER } from "../../src/limits.ts";
import { dueMsOf, numberBehind, okReplies } from "./frames.ts";
import { framesOf, type LeanClient, request } from "./lean_client.ts";
import { answerPing, connect, type Figure, measure, warmUpMs } from "./loads.ts";
import { Latencies } from "./open_loop.ts";
import type { Server } from "./processes.ts";
import { publishes } from "./publishing.ts";

const text = new TextDecoder();
const FIRST_ID = 100;

export interface Membership {
  readonly group: string;
  readonly topic: string;
  /** Called with the number of records that came. */
  readonly took: (records: number) => void;
  /** Called when the records of a message are committed, with the time when each was due. */
  readonly committed?: (dueMs: readonly number[]) => void;
  /** Called with a message that has a refusal, unless that fails the load. */
  readonly refused?: (message: string) => void;
  /** Commits in a transaction that publishes this part of what was read to another topic. */
  readonly transact?: { readonly topic: string; readonly part: number };
}

const CREDIT = 50_000;

export async function joinGroup(server: Server, membership: Membership): Promise<LeanClient> {
  const { group, topic, took, committed, refused = fail } = membership;
  const client = await connect(server);
  const underWay = new Map<number, readonly number[]>();
  let id = FIRST_ID;
  client.onMessage = (bytes) => {
    const message = text.decode(bytes);
    if (committed) {
      okReplies(bytes, (id) => {
        committed(underWay.get(id) ?? []);
        underWay.delete(id);
      });
    }
    if (message.includes('"type":"error"')) refused(message);
    if (message.includes('"type":"revoke"')) release(client, bytes);
    const { records, next, dueMs } = read(message, committed !== undefined);
    if (records === 0) return void answerPing(client, bytes);
    took(records);
    const offsets = [...next].map(([partition, offset]) => ({ topic, partition, offset }));
    client.send(`{"type":"credit","subscription":1,"records":${records}}`);
    client.send(JSON.stringify(commitFrame(id, offsets, records, membership)));
    client.flush();
    underWay.set(id++, dueMs);
    if (!committed) underWay.clear();
  };
  await request(client, {
    id: 2,
    type: "join",
    group,
    topics: [topic],
    credit: { records: CREDIT },
  });
  return client;
}

function fail(message: string): never {
  throw new Error(message.slice(0, 300));
}

function commitFrame(
  id: number,
  offsets: readonly object[],
  records: number,
  { transact }: Membership,
): object {
  const events = transact ? Math.floor(records * transact.part) : 0;
  if (!transact || events === 0) return { type: "commit", id, subscription: 1, offsets };
  const made = Array.from(
    { length: events },
    (_, i) => ({ key: `ride${i}`, value: { fare: 12.5 } }),
  );
  const publish = [{ topic: transact.topic, records: made }];
  return { type: "transact", id, publish, commit: { subscription: 1, offsets } };
}

/**
 * The number of records in a message, the next position of each partition, and when records were
 * due.
 */
function read(message: string, withTimes: boolean) {
  const next = new Map<number, number>();
  const dueMs: number[] = [];
  let records = 0;
  for (let at = 0; (at = message.indexOf('"type":"records"', at)) >= 0;) {
    const partition = numberBehind(message, '"partition":', at);
    const end = message.indexOf('"next":', at);
    for (; (at = message.indexOf('{"offset":', at)) >= 0 && at < end; at++) {
      records++;
      if (withTimes) dueMs.push(dueMsOf(message, at));
    }
    next.set(partition, numberBehind(message, '"next":', end));
    at = end;
  }
  return { records, next, dueMs };
}

/** Releases what is revoked for members that join later. */
export function release(client: LeanClient, bytes: Uint8Array): void {
  for (const { type, subscription, partitions } of framesOf(bytes)) {
    if (type === "revoke") {
      client.send(JSON.stringify({ type: "release", subscription, partitions }));
    }
  }
  client.flush();
}

/** How far the members may be behind before the producers wait for them. */
const LAG_MAX = 50_000;
const MEMBERS = 4;
const PUBLISHES = { sockets: 8, window: 4, records: 100 };

/** Publishes of 100 records, and a group of four that reads and commits them. */
export async function group(server: Server, ms: number, perSecond?: number): Promise<Figure> {
  const latencies = new Latencies(performance.now() + warmUpMs(ms));
  const lag = new Lag();
  const members = await Promise.all(
    Array.from({ length: MEMBERS }, () =>
      joinGroup(server, {
        group: "bench",
        topic: "gps",
        took: (records) => lag.took(records),
        ...perSecond !== undefined && {
          committed(dueMs: readonly number[]) {
            const now = performance.now();
            for (const due of dueMs) latencies.answered(due, now);
          },
        },
      })),
  );
  const producing = publishes(server, {
    ...PUBLISHES,
    ms: ms + 500,
    // An open loop does not wait for answers, as far as the producer's window allows.
    ...perSecond === undefined ? { pace: lag.pace } : { perSecond, window: PRODUCER.window },
  });
  const figure = await measure(server, ms, () => lag.consumed);
  await producing;
  for (const client of members) client.close();
  const sorted = latencies.sorted();
  return perSecond === undefined
    ? { ...figure, note: `lag at most ${lag.seen.toLocaleString("en-US")} records` }
    : { ...figure, latencies: sorted };
}

/** Records published and not read yet; publishers wait while it is too much. */
class Lag {
  #records = 0;
  consumed = 0;
  /** The maximum so far. */
  seen = 0;
  readonly #waiting: (() => void)[] = [];

  readonly pace = (send: () => void, records: number): void => {
    const go = () => {
      this.#records += records;
      this.seen = Math.max(this.seen, this.#records);
      send();
    };
    if (this.#records < LAG_MAX) go();
    else this.#waiting.push(go);
  };

  took(records: number): void {
    this.consumed += records;
    this.#records -= records;
    while (this.#records < LAG_MAX && this.#waiting.length > 0) this.#waiting.shift()?.();
  }
}
