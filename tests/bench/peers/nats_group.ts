/** A durable group that reads from JetStream: its consumers, and a member that acknowledges. */

import { NatsClient } from "./nats_client.ts";
import type { NatsServer, Sync } from "./nats_server.ts";
import { PARTITIONS, type Stream, streamOf, streamsOf, subjectsOf } from "./nats_streams.ts";

/**
 * How members read: each from consumers of its own, one for each of its partitions, acknowledging
 * everything up to the last record of a batch; or all from the same consumers, where each record
 * must be acknowledged, since others' records lie between. The first is what we do, except that the
 * assignment is fixed; the second is how most do it, and does not keep the order of a key.
 */
export type Reading = "partitions" | "shared";

export interface Group {
  readonly reading: Reading;
  readonly members: number;
  /** Records that were sent and not acknowledged, at most. */
  readonly pending: number;
}

interface Consumer {
  readonly stream: Stream;
  readonly name: string;
  readonly subjects: string;
}

const PULL = { records: 256, ahead: 4 };
const PULL_LASTS_NS = 3_600e9;

function consumersOf(sync: Sync, member: number, { reading, members }: Group): Consumer[] {
  if (reading === "shared") {
    return streamsOf(sync).map((stream) => ({ stream, name: "bench", subjects: stream.subjects }));
  }
  return Array.from({ length: PARTITIONS }, (_, partition) => partition)
    .filter((partition) => partition % members === member)
    .map((partition) => ({
      stream: streamOf(sync, partition),
      name: `bench${partition}`,
      subjects: subjectsOf(partition),
    }));
}

/** A member that reports how many records came at once, after acknowledging them. */
export async function joinGroup(
  server: NatsServer,
  member: number,
  group: Group,
  took: (records: number) => void,
): Promise<NatsClient> {
  const client = await NatsClient.connect(server.port);
  const readers = new Map<number, Reader>();
  for (const consumer of consumersOf(server.sync, member, group)) {
    await makeConsumer(client, consumer, group);
    const reader = new Reader(client, consumer, group.reading);
    readers.set(reader.subscription, reader);
  }
  let records = 0;
  client.onMessage = (message) => {
    if (!message.hasPayload) throw new Error(`Not a record: ${message.headers}`);
    readers.get(message.subscription)?.take(message.reply);
    records++;
  };
  client.onTurn = () => {
    for (const reader of readers.values()) reader.acknowledge();
    took(records);
    records = 0;
  };
  client.flush();
  return client;
}

async function makeConsumer(
  client: NatsClient,
  { stream, name, subjects }: Consumer,
  { reading, pending }: Group,
): Promise<void> {
  await client.request(`CONSUMER.CREATE.${stream.name}.${name}`, {
    stream_name: stream.name,
    config: {
      durable_name: name,
      filter_subject: subjects,
      ack_policy: reading === "shared" ? "explicit" : "all",
      max_ack_pending: pending,
    },
  });
}

/** Pulls from one consumer, and asks for more before the previous request is fulfilled. */
class Reader {
  readonly #client: NatsClient;
  readonly #reading: Reading;
  readonly #more: string;
  readonly subscription: number;
  #sincePull = 0;
  #unacknowledged: string | undefined;

  constructor(client: NatsClient, { stream, name }: Consumer, reading: Reading) {
    this.#client = client;
    this.#reading = reading;
    const inbox = `${client.inbox}.${stream.name}.${name}`;
    this.subscription = client.subscribe(inbox);
    const pull = JSON.stringify({ batch: PULL.records, expires: PULL_LASTS_NS });
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${name}`;
    this.#more = `PUB ${subject} ${inbox} ${pull.length}\r\n${pull}\r\n`;
    client.write(this.#more.repeat(PULL.ahead));
  }

  take(reply: string | undefined): void {
    if (this.#reading === "shared") this.acknowledge();
    this.#unacknowledged = reply;
    if (++this.#sincePull < PULL.records) return;
    this.#sincePull = 0;
    this.#client.write(this.#more);
  }

  acknowledge(): void {
    if (this.#unacknowledged === undefined) return;
    this.#client.write(`PUB ${this.#unacknowledged} 0\r\n\r\n`);
    this.#unacknowledged = undefined;
  }
}
