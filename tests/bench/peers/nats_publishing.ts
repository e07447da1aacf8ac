/**
 * Publishes to streams of NATS JetStream. As in our own load, a socket has so many records in
 * flight, of the same size; the key is the last part of the subject.
 */

import { fixText } from "../frames.ts";
import { type Figure, makeMany } from "../loads.ts";
import type { Server } from "../processes.ts";
import {
  acknowledgementsOf,
  type Batching,
  type RecordWriter,
  recordWriter,
} from "./nats_batching.ts";
import { NatsClient } from "./nats_client.ts";
import { PARTITIONS, subjectOf } from "./nats_streams.ts";
import { type Load, publish, publishAll, type Publisher } from "./publishing.ts";

const DRIVERS = 6_400;

export interface NatsPublishes {
  readonly sockets: number;
  /** With an id by which the stream detects duplicates, as with idempotent producers. */
  readonly dedupe?: boolean;
  /** Unless given, every record is a publish. */
  readonly batch?: { readonly batching: Batching; readonly records: number };
}

/** It uses one partition, and so one stream: others would not acknowledge in the same order. */
class NatsPublisher implements Publisher {
  readonly #client: NatsClient;
  readonly #number: number;
  readonly #dedupe: boolean;
  readonly #writer: RecordWriter;
  #sent = 0;
  onAcknowledged: (records: number) => void = () => {};

  constructor(client: NatsClient, number: number, publishes: NatsPublishes) {
    const { dedupe = false, batch = { batching: "none", records: 1 } } = publishes;
    this.#client = client;
    this.#number = number;
    this.#dedupe = dedupe;
    this.#writer = recordWriter(client, batch);
    let acknowledged = 0;
    client.subscribe(`${acknowledgementsOf(client)}.>`);
    client.onMessage = (message) => acknowledged += this.#writer.acknowledged(message);
    client.onTurn = () => {
      if (acknowledged > 0) this.onAcknowledged(acknowledged);
      acknowledged = 0;
    };
  }

  write(records: number, dueMs?: number): void {
    const partition = this.#number % PARTITIONS;
    for (let i = 0; i < records; i++) {
      const n = this.#sent++;
      const driver = (this.#number * 100 + n % 100) % DRIVERS;
      const key = `cab${driver - driver % PARTITIONS + partition}`;
      const headers = this.#dedupe ? `Nats-Msg-Id: ${this.#number}.${n}\r\n` : "";
      this.#writer.write(subjectOf(partition, key), headers, valueOf(key, n, dueMs));
    }
  }

  flush(): void {
    this.#client.flush();
  }

  close(): void {
    this.#client.close();
  }
}

/** The value of the record in our own load; its key is in the subject. */
function valueOf(key: string, n: number, dueMs?: number): string {
  const text = fixText(key, n, dueMs);
  return text.slice(text.indexOf("{", 1), -1);
}

function connectPublishers(server: Server, publishes: NatsPublishes): Promise<NatsPublisher[]> {
  return makeMany(
    publishes.sockets,
    async (number) => new NatsPublisher(await NatsClient.connect(server.port), number, publishes),
  );
}

/** Publishes from many sockets. */
export async function publishToStreams(
  server: Server,
  load: Load & NatsPublishes,
): Promise<Figure> {
  return await publish(server, await connectPublishers(server, load), load);
}

/** Publishes so many records one by one. */
export async function fillStreams(server: Server, total: number): Promise<void> {
  const publishers = await connectPublishers(server, { sockets: 8 });
  await publishAll(publishers, { total, window: 512 });
}
