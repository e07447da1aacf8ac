/**
 * The ways in which JetStream accepts and acknowledges records. One by one is what every client
 * does. An atomic batch is synced once, which is best for a server that always syncs. A fast batch
 * is acknowledged every so many records, and costs least if the server does not.
 */

import { NatsClient, type NatsMessage } from "./nats_client.ts";

export type Batching = "none" | "whole" | "fast";

/** How one socket writes records, and what the acknowledgements that it gets mean. */
export interface RecordWriter {
  /** Adds a record to the next message; `headers` are lines. */
  write(subject: string, headers: string, value: string): void;
  /** How many records a message acknowledges. */
  acknowledged(message: NatsMessage): number;
}

/** The subjects on which a client gets acknowledgements. */
export function acknowledgementsOf(client: NatsClient): string {
  return `${client.inbox}.acks`;
}

export function recordWriter(
  client: NatsClient,
  { batching, records }: { readonly batching: Batching; readonly records: number },
): RecordWriter {
  switch (batching) {
    case "none":
      return new OneByOne(client);
    case "whole":
      return new WholeBatches(client, records);
    case "fast":
      return new FastBatch(client, records);
  }
}

class OneByOne implements RecordWriter {
  readonly #client: NatsClient;
  readonly #reply: string;
  #id = 0;

  constructor(client: NatsClient) {
    this.#client = client;
    this.#reply = acknowledgementsOf(client);
  }

  write(subject: string, headers: string, value: string): void {
    this.#client.write(publication(`${subject} ${this.#reply}.${this.#id++}`, headers, value));
  }

  acknowledged(message: NatsMessage): number {
    orFail(message, '{"stream"');
    return 1;
  }
}

/** Only the last record of a batch asks for an acknowledgement. */
class WholeBatches implements RecordWriter {
  readonly #client: NatsClient;
  readonly #records: number;
  readonly #reply: string;
  #id = 0;
  #inBatch = 0;

  constructor(client: NatsClient, records: number) {
    this.#client = client;
    this.#records = records;
    this.#reply = acknowledgementsOf(client);
  }

  write(subject: string, headers: string, value: string): void {
    const { inbox } = this.#client;
    const last = ++this.#inBatch === this.#records;
    const batch =
      `Nats-Batch-Id: ${inbox}.${this.#id}\r\nNats-Batch-Sequence: ${this.#inBatch}\r\n` +
      (last ? "Nats-Batch-Commit: 1\r\n" : "");
    const target = last ? `${subject} ${this.#reply}.${this.#id}` : subject;
    this.#client.write(publication(target, headers + batch, value));
    if (!last) return;
    this.#id++;
    this.#inBatch = 0;
  }

  acknowledged(message: NatsMessage): number {
    orFail(message, '{"stream"');
    return this.#records;
  }
}

/** One endless batch; the reply subject has its id and the interval of acknowledgements. */
class FastBatch implements RecordWriter {
  readonly #client: NatsClient;
  readonly #reply: string;
  #sequence = 0;
  #acknowledged = 0;

  constructor(client: NatsClient, records: number) {
    this.#client = client;
    const id = client.inbox.replace("_INBOX.", "");
    this.#reply = `${acknowledgementsOf(client)}.${id}.${records}.fail`;
  }

  write(subject: string, headers: string, value: string): void {
    const operation = this.#sequence++ === 0 ? "0" : "1"; // Begin, append.
    const target = `${subject} ${this.#reply}.${this.#sequence}.${operation}.$FI`;
    this.#client.write(publication(target, headers, value));
  }

  acknowledged(message: NatsMessage): number {
    orFail(message, '{"type":"ack"');
    const { seq } = JSON.parse(message.payload);
    const records = seq - this.#acknowledged;
    this.#acknowledged = seq;
    return records;
  }
}

function publication(target: string, headers: string, payload: string): string {
  if (headers === "") return `PUB ${target} ${payload.length}\r\n${payload}\r\n`;
  const head = `NATS/1.0\r\n${headers}\r\n`;
  return `HPUB ${target} ${head.length} ${head.length + payload.length}\r\n${head}${payload}\r\n`;
}

/** Throws if a message is not the expected acknowledgement, which would not be what is measured. */
function orFail(message: NatsMessage, beginning: string): void {
  const from = message.from + message.headerBytes;
  for (let i = 0; i < beginning.length; i++) {
    if (message.bytes[from + i] !== beginning.charCodeAt(i)) {
      throw new Error(`Not an acknowledgement: ${message.headers}${message.payload}`);
    }
  }
}
