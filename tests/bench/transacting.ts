/**
 * Members of groups that transact, each one transaction after another: a few records, and the
 * commit of what they were made from. Beside them others publish at a steady rate.
 */

import { pause } from "../../src/demo/pause.ts";
import { quantile } from "./figures.ts";
import { excerpt, fixText, hasRefusal, okReplies } from "./frames.ts";
import { release } from "./group_reading.ts";
import { framesOf, type LeanClient, request } from "./lean_client.ts";
import { answerPing, connect, warmUpMs } from "./loads.ts";
import { Latencies } from "./open_loop.ts";
import { counterOf, type Server } from "./processes.ts";
import { fill, publishes } from "./publishing.ts";
import type { Figures } from "./row.ts";

const READ = "read";
const MADE = "made";
const GROUPS = 2;
/** Of each group; each has a partition of its own. */
const MEMBERS = 4;
const RECORDS = 10;
/** A partition has more records than a member has transactions. */
const FILLED = 400_000;
const BESIDE = { sockets: 64, window: 64, records: 1, perSecond: 5_000 };
const FIRST_ID = 100;
/** How often a member looks whether it has its partition. */
const LOOK_MS = 20;

class Transactor {
  readonly #client: LeanClient;
  readonly #owned = new Set<number>();
  readonly #records: string;
  #id = FIRST_ID;
  #sentAt = 0;
  answered: (sentMs: number) => void = () => {};

  private constructor(client: LeanClient, name: string) {
    this.#client = client;
    const texts = Array.from({ length: RECORDS }, (_, i) => fixText(`${name}-${i}`, i));
    this.#records = texts.join();
  }

  static async join(server: Server, group: string, number: number): Promise<Transactor> {
    const client = await connect(server);
    const transactor = new Transactor(client, `${group}-${number}`);
    client.onMessage = (bytes) => transactor.#take(bytes);
    const credit = { records: 1 }; // it makes its records from nothing
    await request(client, { id: 2, type: "join", group, topics: [READ], credit });
    return transactor;
  }

  get hasOne(): boolean {
    return this.#owned.size === 1;
  }

  begin(): void {
    const offset = this.#id - FIRST_ID + 1;
    const [partition] = this.#owned;
    this.#sentAt = performance.now();
    this.#client.send(
      `{"type":"transact","id":${this.#id++},"publish":[{"topic":"${MADE}","records":` +
        `[${this.#records}]}],"commit":{"subscription":1,"offsets":[{"topic":"${READ}",` +
        `"partition":${partition},"offset":${offset}}]}}`,
    );
    this.#client.flush();
  }

  close(): void {
    this.#client.close();
  }

  #take(bytes: Uint8Array): void {
    if (hasRefusal(bytes)) throw new Error(`Refused: ${excerpt(bytes)}`);
    if (this.#id > FIRST_ID) {
      if (okReplies(bytes) === 0) return void answerPing(this.#client, bytes);
      this.answered(this.#sentAt);
      return this.begin();
    }
    for (const { type, partitions = [] } of framesOf(bytes)) {
      for (const { partition } of partitions as { readonly partition: number }[]) {
        if (type === "assign") this.#owned.add(partition);
        if (type === "revoke") this.#owned.delete(partition);
      }
    }
    release(this.#client, bytes);
  }
}

async function joined(server: Server): Promise<Transactor[]> {
  const url = `http://127.0.0.1:${server.port}/v1/topics/${READ}`;
  const made = await fetch(url, { method: "PUT", body: `{"partitions":${MEMBERS}}` });
  await made.body?.cancel();
  await fill(server, { topic: READ, total: FILLED });
  const all: Transactor[] = [];
  for (let i = 0; i < GROUPS * MEMBERS; i++) {
    all.push(await Transactor.join(server, `group-${i % GROUPS}`, i));
  }
  while (!all.every(({ hasOne }) => hasOne)) await pause(LOOK_MS);
  return all;
}

export async function transactions(server: Server, ms: number): Promise<Figures> {
  const transactors = await joined(server);
  const writes = () => counterOf(server, "store_writes_total");
  const from = performance.now() + warmUpMs(ms);
  const latencies = new Latencies(from);
  for (const transactor of transactors) {
    transactor.answered = (sentMs) => latencies.answered(sentMs, performance.now());
    transactor.begin();
  }
  const beside = publishes(server, { ...BESIDE, ms });
  await pause(from - performance.now());
  const before = await writes();
  const { latencies: published = [] } = await beside;
  const seconds = (performance.now() - from) / 1_000;
  const written = await writes() - before;
  for (const transactor of transactors) transactor.close();
  const transacted = latencies.sorted();
  return {
    "transactions/s": transacted.length / seconds,
    "writes of the store/s": written / seconds,
    "transaction → answer, p50 ms": quantile(transacted, 0.5),
    "transaction → answer, p99 ms": quantile(transacted, 0.99),
    "publish → ack at 5,000/s beside them, p50 ms": quantile(published, 0.5),
    "publish → ack at 5,000/s beside them, p99 ms": quantile(published, 0.99),
  };
}
