/**
 * Common to the loads of peers: sockets that publish with so many records in flight, as fast as
 * they are acknowledged, or by the clock. How a peer talks to its server is its own matter.
 */

import { type Figure, measure, warmUpMs } from "../loads.ts";
import { Latencies, sendWhenDue } from "../open_loop.ts";
import type { Server } from "../processes.ts";

/** A socket whose records are acknowledged in the order in which they were written. */
export interface Publisher {
  /** Adds so many records to what is sent next. */
  write(records: number, dueMs?: number): void;
  flush(): void;
  close(): void;
  /** Called with the number of records that a message acknowledges. */
  onAcknowledged: (records: number) => void;
}

export interface Load {
  /** Records in flight on each socket. */
  readonly window: number;
  readonly ms: number;
  /** Records due per second; unless given, the next are sent when some are acknowledged. */
  readonly perSecond?: number | undefined;
  /** Called instead of sending, which it may delay. */
  readonly pace?: (send: () => void, records: number) => void;
}

export async function publish(
  server: Server,
  publishers: readonly Publisher[],
  load: Load,
): Promise<Figure> {
  const { perSecond } = load;
  const figure = perSecond === undefined
    ? await asFastAsAcknowledged(server, publishers, load)
    : await byTheClock(server, publishers, { ...load, perSecond });
  for (const publisher of publishers) publisher.close();
  return figure;
}

async function asFastAsAcknowledged(
  server: Server,
  publishers: readonly Publisher[],
  { ms, window, pace = (send) => send() }: Load,
): Promise<Figure> {
  let acknowledged = 0;
  let running = true;
  for (const publisher of publishers) {
    const send = (records: number) => {
      publisher.write(records);
      publisher.flush();
    };
    publisher.onAcknowledged = (records) => {
      acknowledged += records;
      if (running) pace(() => send(records), records);
    };
    send(window);
  }
  const figure = await measure(server, ms, () => acknowledged);
  running = false;
  return figure;
}

async function byTheClock(
  server: Server,
  publishers: readonly Publisher[],
  { ms, window, perSecond }: Load & { readonly perSecond: number },
): Promise<Figure> {
  const latencies = new Latencies(performance.now() + warmUpMs(ms));
  let acknowledged = 0;
  const queues = publishers.map((publisher) => {
    /** When each was due that is not acknowledged: first those in flight, then those that wait. */
    const due: number[] = [];
    let inFlight = 0;
    const send = () => {
      while (inFlight < Math.min(window, due.length)) publisher.write(1, due[inFlight++]);
      publisher.flush();
    };
    publisher.onAcknowledged = (records) => {
      acknowledged += records;
      inFlight -= records;
      const now = performance.now();
      for (const dueMs of due.splice(0, records)) latencies.answered(dueMs, now);
      send();
    };
    return { due, send };
  });
  let turn = 0;
  const stop = sendWhenDue(perSecond, (dueMs) => {
    const queue = queues[turn++ % queues.length];
    queue?.due.push(dueMs);
    queue?.send();
  });
  const figure = await measure(server, ms, () => acknowledged);
  stop();
  for (const { due } of queues) latencies.unanswered(due, performance.now());
  return { ...figure, latencies: latencies.sorted() };
}

/** Publishes so many records, and waits until all are acknowledged. */
export async function publishAll(
  publishers: readonly Publisher[],
  { total, window }: { total: number; window: number },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let [written, acknowledged] = [0, 0];
  for (const publisher of publishers) {
    const send = (records: number) => {
      const allowed = Math.min(records, total - written);
      written += allowed;
      publisher.write(allowed);
      publisher.flush();
    };
    publisher.onAcknowledged = (records) => {
      acknowledged += records;
      if (acknowledged >= total) resolve();
      send(records);
    };
    send(window);
  }
  await promise;
  for (const publisher of publishers) publisher.close();
}
