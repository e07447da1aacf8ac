/**
 * Reads a whole stream through NATS's own JavaScript client, as an application does, for comparison
 * with the lean client, which makes no message objects.
 */

import { jetstream } from "@nats-io/jetstream";
import { wsconnect } from "@nats-io/nats-core";
import { type Figure, measureWhile } from "../loads.ts";
import { fillStreams } from "./nats_publishing.ts";
import type { NatsServer } from "./nats_server.ts";
import { makeStreams, streamsOf } from "./nats_streams.ts";

/** Messages per request; the default, 100, is slower. */
const MESSAGES = 10_000;

/** Reads so many records from the first, by an ordered consumer, which is limited to one stream. */
export async function natsJsCatchUp(server: NatsServer, records: number): Promise<Figure> {
  const [stream, ...others] = streamsOf(server.sync);
  if (!stream || others.length > 0) throw new Error("There is more than one stream");
  await makeStreams(server);
  await fillStreams(server, records);
  const connection = await wsconnect({ servers: `ws://127.0.0.1:${server.port}` });
  let seen = 0;
  const read = async () => {
    const consumer = await jetstream(connection).consumers.get(stream.name);
    for await (const _message of await consumer.consume({ max_messages: MESSAGES })) {
      if (++seen === records) break;
    }
  };
  const figure = await measureWhile(server, read, () => seen);
  await connection.close();
  return figure;
}
