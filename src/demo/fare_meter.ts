/**
 * The fare meter: for each driver, in order, a ride begins when the cab is taken and ends when it
 * is free again. Rides that begin and end are published to the topic `rides` in one transaction
 * with the commit, so a meter that dies in between leaves neither half. And since both topics have
 * the same partitions and keys, the next owner of a partition reads there which rides are in
 * progress.
 */

import type { Assigned, Producer, RecordBatch } from "../client/mod.ts";
import type { Fix } from "./fixes.ts";
import type { GatewayApi } from "./gateway_api.ts";
import type { Member, Task, Work } from "./member.ts";
import { readPartition } from "./read_all.ts";

/** The value of a record in `rides`. */
export interface RideEvent {
  readonly event: "began" | "ended";
  readonly time: number;
  readonly lat: number;
  readonly lon: number;
  /** Only for a ride that ended; in dollars. */
  readonly fare?: number;
}

type Began = Pick<RideEvent, "time" | "lat" | "lon">;

export class FareMeter implements Work {
  readonly group = "fare-meter";
  readonly title = "Fare meter";
  readonly topics: readonly string[];
  readonly #api: GatewayApi;
  readonly #rides: string;

  constructor(api: GatewayApi, fixes: string, rides: string) {
    this.#api = api;
    this.topics = [fixes];
    this.#rides = rides;
  }

  begin(member: Member): Task {
    return new Metering(member, this.#api, this.#rides);
  }
}

/** The state and work of one fare meter. */
class Metering implements Task {
  readonly #member: Member;
  readonly #producer: Producer;
  readonly #api: GatewayApi;
  readonly #rides: string;
  /** Rides in progress, by partition and driver. */
  readonly #open = new Map<number, Map<string, Began>>();

  constructor(member: Member, api: GatewayApi, rides: string) {
    this.#member = member;
    this.#producer = member.client.producer();
    this.#api = api;
    this.#rides = rides;
  }

  async assigned(partitions: readonly Assigned[]): Promise<void> {
    await Promise.all(partitions.map(async ({ partition }) => {
      const open = new Map<string, Began>();
      const rides = readPartition<RideEvent>(
        this.#member.client,
        this.#api,
        this.#rides,
        partition,
      );
      for await (const { key = "", value } of rides) follow(open, key, value);
      this.#open.set(partition, open);
    }));
  }

  async process({ topic, partition, records, next }: RecordBatch): Promise<void> {
    const open = new Map(this.#open.get(partition));
    const events = records.flatMap(({ key = "", value }) => {
      const event = rideEvent(open.get(key), value as Fix);
      if (!event) return [];
      follow(open, key, event);
      return [{ key, partition, value: event }];
    });
    const { client, consumer } = this.#member;
    const offsets = [{ topic, partition, offset: next }];
    if (events.length === 0) await consumer.commit(offsets);
    else {
      const rides = { topic: this.#rides, records: events };
      await client.transact([rides], { commit: { consumer, offsets }, producer: this.#producer });
    }
    this.#open.set(partition, open);
  }
}

/** What a fix means for a driver with this ride in progress, or with none. */
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
