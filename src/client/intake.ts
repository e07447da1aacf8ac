/**
 * What has come for one reader and waits for its loop, and the credit that goes back for what the
 * loop has dealt with. It outlives the subscription's number, which each connection gives anew.
 */

import type { Connection, Receiver } from "./connection.ts";
import { type Capacity, Flow } from "./flow.ts";
import { Inbox } from "./inbox.ts";

/** What waits: records that count against the credit, or something that only keeps its place. */
export interface Item {
  readonly kind: string;
  readonly cost?: Capacity;
  /** The partition that it is of, if it is of one. */
  readonly at?: { readonly topic: string; readonly partition: number };
}

const CAPACITY: Capacity = { records: 2_000, bytes: 4 << 20 };

export class Intake<Arrived extends Item> {
  readonly inbox = new Inbox<Arrived>();
  readonly #connection: Connection;
  readonly #flow: Flow;
  #number: number | undefined;

  constructor(connection: Connection, capacity: Partial<Capacity> = {}) {
    this.#connection = connection;
    this.#flow = new Flow({ ...CAPACITY, ...capacity });
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
  }

  /** There is no subscription any more. */
  detach(): void {
    if (this.#number !== undefined) this.#connection.unreceive(this.#number);
    this.#number = undefined;
  }

  put(item: Arrived): void {
    if (item.cost) this.#flow.arrived(item.cost);
    this.inbox.put(item);
  }

  /** What waits of this partition is void. */
  drop({ topic, partition }: { readonly topic: string; readonly partition: number }): void {
    const dropped = this.inbox.remove(({ at }) =>
      at !== undefined && at.topic === topic && at.partition === partition
    );
    for (const { cost } of dropped) if (cost) this.dealtWith(cost);
  }

  /** The loop has dealt with this, or never will: there is room for as much again. */
  dealtWith(cost: Capacity): void {
    this.#flow.done(cost);
    const due = this.#number === undefined ? undefined : this.#flow.due();
    if (!due) return;
    this.#connection.push(
      `{"type":"credit","subscription":${this.#number},"records":${due.records},"bytes":${due.bytes}}`,
    );
  }
}
