/**
 * What the loads of peers have in common: sockets that publish with so many records in flight, as fast
 * as they are acknowledged, or by the clock. What a peer says to its server is its own.
 */

import { type Figure, measure, warmUpMs } from "../loads.ts";
import { Latencies, sendWhenDue } from "../open_loop.ts";
import type { Server } from "../processes.ts";

/** One socket; its records are acknowledged in the order in which they were written. */
export interface Publisher {
  /** Puts so many records into what is sent next. */
  write(records: number, dueMs?: number): void;
  flush(): void;
  close(): void;
  /** Told how many records were acknowledged by what came at once. */
  onAcknowledged: (records: number) => void;
}

export interface Load {
  /** Records in flight on each socket. */
  readonly window: number;
  readonly ms: number;
  /** Records that are due a second; unless given, the next are sent when some are acknowledged. */
  readonly perSecond?: number | undefined;
  /** Called with what would be sent next, which may be put off. */
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
    /** When each was due that is not acknowledged: what is in flight first, then what waits. */
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
