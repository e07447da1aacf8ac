/**
 * What has come for one reader and waits for its loop, and the credit that goes back for what the
 * loop has dealt with. It outlives the subscription's number, which each connection gives anew.
 */

import type { TopicPartition } from "../protocol/gateway_frames.ts";
import { type Arrived, type Delivery, joined } from "./batch.ts";
import type { Connection, Receiver } from "./connection.ts";
import { type Capacity, Flow } from "./flow.ts";
import { Inbox } from "./inbox.ts";

const RECORDS = 2_000;
const BYTES = 4 << 20;
/** A gateway grants no more, whatever it is given: see the protocol's section 8. */
const RECORDS_MAX = 100_000;
const BYTES_MAX = 64 << 20;

/** `Aside`: what waits in its place between the deliveries, if there is such a thing. */
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

  /** The credit to begin a subscription with. */
  credit(): Capacity {
    return this.#flow.opening();
  }

  /** The subscription stands: what is pushed to it goes to `receiver`. */
  attach(number: number, receiver: Receiver): void {
    this.#number = number;
    this.#connection.receive(number, receiver);
    this.#giveBack(); // of what was dealt with since it was asked for
  }

  /** There is no subscription any more. */
  detach(): void {
    if (this.#number !== undefined) this.#connection.unreceive(this.#number);
    this.#number = undefined;
  }

  put(item: Delivery<Value> | Aside): void {
    if (item.kind === "records") this.#flow.arrived(item.cost);
    this.inbox.put(item);
  }

  /**
   * The next that waits; undefined at the end. Records come with those that have come behind them of
   * the same partition, up to half of the capacity: so a loop that is slow gets more at a time, and
   * the other half may be on its way meanwhile.
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

  /** It has come, and is for nobody. */
  passOver(cost: Capacity): void {
    this.#flow.arrived(cost);
    this.dealtWith(cost);
  }

  /** What waits of this partition is void. */
  drop(partition: TopicPartition): void {
    const dropped = this.inbox.remove((item) =>
      item.kind !== "begun" && isSamePartition(item.at, partition)
    );
    for (const item of dropped) if (item.kind === "records") this.dealtWith(item.cost);
  }

  /** The loop has dealt with this, or never will: there is room for as much again. */
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
