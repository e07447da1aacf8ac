/** Everything that a test client received, in order and by kind, so that queries are cheap. */

import type { DeliveredRecord, Frame, Head, Pushes } from "./frames.ts";

export type DeliveredAt = DeliveredRecord & { readonly topic: string; readonly partition: number };

export class Inbox {
  readonly all: Frame[] = [];
  readonly #pushes = new Map<string, Frame[]>();
  readonly #delivered = new Map<number, DeliveredAt[]>();
  readonly #heads = new Map<string, Head>();

  take(frame: Frame): void {
    this.all.push(frame);
    if (frame.id !== undefined) return;
    listIn(this.#pushes, frame.type).push(frame);
    if (frame.type === "records") this.#deliver(frame as unknown as Pushes["records"]);
    if (frame.type === "heartbeat") this.#note(frame as unknown as Pushes["heartbeat"]);
  }

  /** All pushes of this type so far, errors without an id among them. */
  pushes<K extends keyof Pushes>(type: K): readonly Pushes[K][] {
    return listIn(this.#pushes, type) as unknown as readonly Pushes[K][];
  }

  /** Everything delivered to a subscription so far. */
  delivered(subscription: number): readonly DeliveredAt[] {
    return listIn(this.#delivered, subscription);
  }

  /** The last report of a heartbeat on a partition. */
  head(subscription: number, partition: number): Head | undefined {
    return this.#heads.get(`${subscription}/${partition}`);
  }

  /** The last few frames, for the message of a failed test. */
  lately(): string {
    const lines = this.all.slice(-12).map((frame) => JSON.stringify(frame).slice(0, 300));
    return `Last of ${this.all.length} frames seen:\n${lines.join("\n")}`;
  }

  #deliver({ subscription, topic, partition, records }: Pushes["records"]): void {
    const delivered = listIn(this.#delivered, subscription);
    for (const record of records) delivered.push({ ...record, topic, partition });
  }

  #note({ heads }: Pushes["heartbeat"]): void {
    for (const [subscription, named] of Object.entries(heads)) {
      for (const head of named) this.#heads.set(`${subscription}/${head.partition}`, head);
    }
  }
}

function listIn<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (!list) lists.set(key, list = []);
  return list;
}
