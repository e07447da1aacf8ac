/** A topic as it stands, read by nothing but the protocol. */

import { Connection } from "./connection.ts";
import type { Batch } from "./member.ts";

/** All records of a partition from its start to where it ends now. */
export async function* readAll(url: string, topic: string, partition: number) {
  const response = await fetch(`${url}/v1/topics/${topic}`);
  const { partitions } = await response.json();
  const { start, next: end } = partitions[partition];
  if (start >= end) return;
  const connection = await Connection.open(url);
  try {
    yield* readUpTo(connection, topic, partition, end);
  } finally {
    connection.close();
  }
}

async function* readUpTo(connection: Connection, topic: string, partition: number, end: number) {
  const batches: Batch[] = [];
  let arrived = () => {};
  connection.onPush = (frame) => {
    if (frame["type"] !== "records") return;
    batches.push(frame as unknown as Batch);
    arrived();
  };
  const { subscription } = await connection.request("subscribe", {
    topic,
    partitions: [partition],
    from: "earliest",
  });
  for (let next = 0; next < end;) {
    const batch = batches.shift();
    if (!batch) {
      await new Promise<void>((resolve) => arrived = resolve);
      continue;
    }
    yield* batch.records.filter(({ offset }) => offset < end);
    next = batch.next;
    connection.push("credit", { subscription, records: batch.records.length });
  }
}
