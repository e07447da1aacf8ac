/** How long an operation takes when it is alone: milliseconds, sorted. */

import { pause } from "../../src/demo/pause.ts";
import { ascending } from "./figures.ts";
import { countRecords } from "./frames.ts";
import { request } from "./lean_client.ts";
import { answerPing, connect } from "./loads.ts";
import type { Server } from "./processes.ts";

/** Rounds before those that count: code that has hardly run is slow. */
export const WARM_UP = 500;

/** From a lone publish to its acknowledgement, one at a time; `isBare`: of a socket without a log. */
export async function untilAcknowledged(
  server: Server,
  rounds: number,
  isBare = false,
): Promise<number[]> {
  const client = await connect(server, !isBare);
  const taken: number[] = [];
  for (let i = 0; i < WARM_UP + rounds; i++) {
    const begun = performance.now();
    const records = [{ key: "cab1", value: i }];
    await request(client, { id: 10 + i, type: "publish", topic: "gps", records });
    if (i >= WARM_UP) taken.push(performance.now() - begun);
    await pause(1);
  }
  client.close();
  return ascending(taken);
}

export interface Delivering {
  readonly rounds: number;
  /** Between a delivery and the next publish. */
  readonly pauseMs?: () => number;
}

/**
 * From a lone publish until another socket has it, at the same gateway or at another; after
 * `untilAcknowledged`, which makes the topic, and warms up.
 */
export async function untilDelivered(
  from: Server,
  to: Server,
  { rounds, pauseMs = () => 1 }: Delivering,
): Promise<number[]> {
  const [publisher, follower] = [await connect(from), await connect(to)];
  await request(follower, { id: 2, type: "subscribe", topic: "gps", credit: { records: 100_000 } });
  const taken: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const delivered = new Promise<void>((resolve) =>
      follower.onMessage = (bytes) => {
        if (countRecords(bytes) > 0) resolve();
        else answerPing(follower, bytes);
      }
    );
    await pause(pauseMs());
    const begun = performance.now();
    publisher.send(
      `{"type":"publish","id":${10 + i},"topic":"gps","records":[{"key":"cab1","value":${i}}]}`,
    );
    publisher.flush();
    await delivered;
    taken.push(performance.now() - begun);
  }
  publisher.close();
  follower.close();
  return ascending(taken);
}
