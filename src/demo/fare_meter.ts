/**
 * The fare meter: per driver and in order, a ride begins when the cab is taken and ends when it is
 * free again. What begins and ends is published to the topic `rides` in the same transaction as the
 * commit, so a meter that dies in between leaves neither half; and since both topics have the same
 * partitions and keys, whoever takes a partition over reads there which rides are under way.
 */

import { Connection } from "./connection.ts";
import type { Fix } from "./fixes.ts";
import type { Batch, Member, Position, Work } from "./member.ts";

/** What is published to `rides`. */
export interface RideEvent {
  readonly event: "began" | "ended";
  readonly time: number;
  readonly lat: number;
  readonly lon: number;
  /** Of a ride that ended, in dollars. */
  readonly fare?: number;
}

type Began = Pick<RideEvent, "time" | "lat" | "lon">;

export class FareMeter implements Work {
  readonly group = "fare-meter";
  readonly topics: readonly string[];
  readonly #url: string;
  readonly #rides: string;
  /** Rides under way, by partition and driver. */
  readonly #open = new Map<number, Map<string, Began>>();

  constructor(url: string, fixes: string, rides: string) {
    this.#url = url;
    this.topics = [fixes];
    this.#rides = rides;
  }

  async assigned(_: Member, { partition }: Position): Promise<void> {
    const open = new Map<string, Began>();
    for await (const { key, value } of readAll(this.#url, this.#rides, partition)) {
      follow(open, key, value as unknown as RideEvent);
    }
    this.#open.set(partition, open);
  }

  async process(member: Member, { topic, partition, records, next }: Batch): Promise<void> {
    const open = new Map(this.#open.get(partition));
    const events = records.flatMap(({ key, value }) => {
      const event = rideEvent(open.get(key), value as unknown as Fix);
      if (!event) return [];
      follow(open, key, event);
      return [{ key, partition, value: event }];
    });
    const offsets = [{ topic, partition, offset: next }];
    if (events.length === 0) await member.commit(offsets);
    else {
      await member.connection.request("transact", {
        publish: [{ topic: this.#rides, records: events }],
        commit: { subscription: member.subscription, offsets },
      });
    }
    this.#open.set(partition, open);
  }
}

/** What this fix means for a driver who is on this ride, or on none. */
export function rideEvent(ride: Began | undefined, fix: Fix): RideEvent | undefined {
  const { time, lat, lon, occupied } = fix;
  if (occupied && !ride) return { event: "began", time, lat, lon };
  if (occupied || !ride) return undefined;
  const fare = 3.5 + 2.75 * kilometres(ride, fix) + 0.55 * (time - ride.time) / 60;
  return { event: "ended", time, lat, lon, fare: Math.round(fare * 100) / 100 };
}

function follow(open: Map<string, Began>, driver: string, event: RideEvent): void {
  if (event.event === "began") open.set(driver, event);
  else open.delete(driver);
}

function kilometres(from: Began, to: Fix): number {
  const y = (to.lat - from.lat) * 111.32;
  const x = (to.lon - from.lon) * 111.32 * Math.cos(from.lat * Math.PI / 180);
  return Math.hypot(x, y);
}

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
