/** Reads every record of a topic once, up to its present end. */

import type { Client, WeirRecord } from "../client/mod.ts";
import type { GatewayApi } from "./gateway_api.ts";

/** All records of a partition from its start to its present end. */
export async function* readPartition<Value>(
  client: Client,
  api: GatewayApi,
  topic: string,
  partition: number,
): AsyncGenerator<WeirRecord<Value>, void, undefined> {
  const { start = 0, next: end = 0 } = (await api.bounds(topic))[partition] ?? {};
  if (start >= end) return;
  const records = client.subscribe<Value>(topic, { partitions: [partition], from: "earliest" });
  for await (const batch of records.batches()) {
    for (const record of batch.records) if (record.offset < end) yield record;
    if (batch.next >= end) return;
  }
}
