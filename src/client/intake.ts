/**
 * The records that a reader has received and that wait for its loop, and the credit that is
 * returned for those that the loop has processed. It outlives the number of the subscription, which
 * is a different one on each connection.
 */

import type { TopicPartition } from "../protocol/gateway_frames.ts";
import { type Arrived, type Delivery, joined } from "./batch.ts";
import type { Connection, Receiver } from "./connection.ts";
import { type Capacity, Flow } from "./flow.ts";
import { Inbox } from "./inbox.ts";

const RECORDS = 2_000;
const BYTES = 4 << 20;
/** The most credit that a gateway grants: see section 8 of the protocol. */
const RECORDS_MAX = 100_000;
const BYTES_MAX = 64 << 20;

/** `Aside`: other items that are queued between the deliveries, if there are any. */
export class Intake<Value, Aside extends { readonly kind: "begun" } = never> {
  readonly inbox = new Inbox<Delivery<Value> | Aside>();
  readonly #connection: Connection;
  readonly #capacity: Capacity;
  readonly #flow: Flow;
  #number: number | undefined;

  constructor(
    connection: Connection,
    { records = RECORDS, bytes = BYTES }: Partial<Capacity> = {},
  ) {
    this.#connection = connection;
    this.#capacity = {
      records: Math.min(records, RECORDS_MAX),
      bytes: Math.min(bytes, BYTES_MAX),
    };
    this.#flow = new Flow(this.#capacity);
  }

  /** The subscription's number on this connection; undefined while there is none. */
  get number(): number | undefined {
    return this.#number;
  }

  /** The initial credit of a subscription. */
  credit(): Capacity {
    return this.#flow.opening();
  }

  /** The subscription is established: its pushes go to `receiver`. */
  attach(number: number, receiver: Receiver): void {
    this.#number = number;
    this.#connection.receive(number, receiver);
    this.#giveBack(); // for what was processed since it was requested
  }

  /** The subscription is gone. */
  detach(): void {
    if (this.#number !== undefined) this.#connection.unreceive(this.#number);
    this.#number = undefined;
  }

  put(item: Delivery<Value> | Aside): void {
    if (item.kind === "records") this.#flow.arrived(item.cost);
    this.inbox.put(item);
  }

  /**
   * Waits for the next item; undefined at the end. Batches of the same partition that wait are
   * merged, up to half of the capacity: a slow loop gets more at a time, while the other half can
   * be in flight.
   */
  async next(): Promise<Delivery<Value> | Aside | undefined> {
    const first = await this.inbox.next();
    if (first?.kind !== "records") return first;
    const more: Arrived<Value>[] = [];
    const size = { ...first.cost };
    this.inbox.pick((item) => {
      if (item.kind === "begun") return undefined;
      if (!isSamePartition(item.at, first.at)) return false;
      if (item.kind === "gap" || item.at.kept !== first.at.kept) return undefined;
      size.records += item.cost.records;
      size.bytes += item.cost.bytes;
      if (!this.#isHalf(size)) return undefined;
      more.push(item);
      return true;
    });
    return more.length === 0 ? first : joined([first, ...more]);
  }

  /** It was received, but is not delivered: returns its credit. */
  passOver(cost: Capacity): void {
    this.#flow.arrived(cost);
    this.dealtWith(cost);
  }

  /** Discards what waits of this partition. */
  drop(partition: TopicPartition): void {
    const dropped = this.inbox.remove((item) =>
      item.kind !== "begun" && isSamePartition(item.at, partition)
    );
    for (const item of dropped) if (item.kind === "records") this.dealtWith(item.cost);
  }

  /** The loop has processed this, or never will: returns its credit. */
  dealtWith(cost: Capacity): void {
    this.#flow.done(cost);
    this.#giveBack();
  }

  #giveBack(): void {
    const due = this.#number === undefined ? undefined : this.#flow.due();
    if (!due) return;
    this.#connection.push(JSON.stringify({ type: "credit", subscription: this.#number, ...due }));
  }

  #isHalf({ records, bytes }: Capacity): boolean {
    return records * 2 <= this.#capacity.records && bytes * 2 <= this.#capacity.bytes;
  }
}

function isSamePartition(one: TopicPartition, other: TopicPartition): boolean {
  return one.partition === other.partition && one.topic === other.topic;
}
