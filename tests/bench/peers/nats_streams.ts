/**
 * How records are laid out in JetStream. Like our topic, it has eight partitions unless told
 * otherwise, and the subject of a record tells its partition. If it always syncs, each partition is
 * a stream of its own, since streams sync in parallel, which is several times as fast; otherwise
 * one stream has all of them, which costs less.
 */

import { NatsClient } from "./nats_client.ts";
import type { NatsServer, Sync } from "./nats_server.ts";

export const PARTITIONS = 8;

export interface Stream {
  readonly name: string;
  readonly subjects: string;
}

const ALL: Stream = { name: "gps", subjects: "gps.>" };

const EACH: readonly Stream[] = Array.from({ length: PARTITIONS }, (_, partition) => ({
  name: `gps${partition}`,
  subjects: subjectsOf(partition),
}));

/** The subjects of a partition; a record's subject ends with its key. */
export function subjectsOf(partition: number): string {
  return `gps.${partition}.>`;
}

export function subjectOf(partition: number, key: string): string {
  return `gps.${partition}.${key}`;
}

export function streamsOf(sync: Sync): readonly Stream[] {
  return sync === "always" ? EACH : [ALL];
}

/** The stream of a partition. */
export function streamOf(sync: Sync, partition: number): Stream {
  return sync === "always" ? EACH[partition] ?? ALL : ALL;
}

/** Creates the streams that do not exist. */
export async function makeStreams(server: NatsServer): Promise<void> {
  const client = await NatsClient.connect(server.port);
  for (const { name, subjects } of streamsOf(server.sync)) {
    await client.request(`STREAM.CREATE.${name}`, {
      name,
      subjects: [subjects],
      storage: "file",
      retention: "limits",
      num_replicas: 1,
      allow_atomic: true,
      allow_batched: true,
    });
  }
  client.close();
}
