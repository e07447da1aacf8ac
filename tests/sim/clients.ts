/** What simulated clients do: publish, follow, consume. Each holds what it sees against the rules. */

import { type Frame, SimClient, type Site } from "./client.ts";
import type { History } from "./history.ts";

const WINDOW = 4;

interface Publish {
  readonly sequence: number;
  readonly topic: string;
  readonly records: readonly Frame[];
  /** On this connection, and not refused there. */
  sent: boolean;
}

/** Publishes with an idempotent producer, and sends again in order what is not answered. */
export class Publisher extends SimClient {
  readonly #name: string;
  readonly #history: History;
  readonly #topics: readonly string[];
  #producer: Frame | undefined;
  #sequence = 0;
  #value = 0;
  /** In the order of their sequences. */
  readonly #unanswered: Publish[] = [];
  #finished = false;

  constructor(site: Site, name: string, topics: readonly string[], history: History) {
    super(site);
    this.#name = name;
    this.#topics = topics;
    this.#history = history;
  }

  override start(): void {
    super.start();
    this.#go();
  }

  /** Nothing new; what is under way goes on. */
  finish(): void {
    this.#finished = true;
  }

  get isQuiet(): boolean {
    return this.#unanswered.length === 0;
  }

  protected override opened(): void {
    for (const publish of this.#unanswered) publish.sent = false;
  }

  protected override pushed(): void {}

  async #go(): Promise<void> {
    const { world } = this.site;
    for (;;) {
      await world.sleep(world.between(1, 40));
      if (!this.isOpen) continue;
      if (!this.#producer) {
        const reply = await this.request({ type: "initProducer" });
        if (reply?.["type"] === "ok") this.#producer = reply["producer"] as Frame;
        continue;
      }
      if (!this.#finished && this.#unanswered.length < WINDOW) this.#add();
      for (const publish of this.#unanswered) if (!publish.sent) this.#send(publish);
    }
  }

  #add(): void {
    const { world } = this.site;
    const count = 1 + Math.floor(world.random() * 4);
    const records = Array.from({ length: count }, () => ({
      key: `k${Math.floor(world.random() * 12)}`,
      value: `${this.#name}/${this.#value++}`,
    }));
    const topic = world.pick(this.#topics);
    this.#unanswered.push({ sequence: this.#sequence++, topic, records, sent: false });
  }

  async #send(publish: Publish): Promise<void> {
    publish.sent = true;
    const { topic, records, sequence } = publish;
    const producer = { ...this.#producer, sequence };
    const reply = await this.request({ type: "publish", topic, records, producer });
    if (!reply) return;
    if (reply["type"] === "ok") {
      this.#history.acknowledged(topic, records, reply["offsets"] as [number, number][]);
      this.#unanswered.splice(this.#unanswered.indexOf(publish), 1);
    } else if (reply["retry"] === "same" || reply["retry"] === "resend") {
      publish.sent = false;
    } else {
      this.#history.violation(`publish ${sequence} of ${this.#name}: ${JSON.stringify(reply)}`);
    }
  }
}

/** Follows a topic by fan-out and comes back to where it was. */
export class Follower extends SimClient {
  readonly #topic: string;
  readonly #history: History;
  readonly #next = new Map<number, number>();
  #incarnation = "";

  constructor(site: Site, topic: string, history: History) {
    super(site);
    this.#topic = topic;
    this.#history = history;
  }

  protected override opened(): void {
    this.#subscribe();
  }

  protected override pushed(frame: Frame): void {
    if (frame["type"] !== "records") return;
    const { partition, records, next, subscription } = frame as unknown as RecordsFrame;
    let expected = this.#next.get(partition) ?? 0;
    for (const { offset, value } of records) {
      if (offset !== expected) {
        const where = `${this.#topic}/${partition}`;
        this.#history.violation(`a follower of ${where} got ${offset}, not ${expected}`);
      }
      this.#history.read(this.#topic, partition, offset, value);
      expected = offset + 1;
    }
    this.#next.set(partition, next);
    this.push({ type: "credit", subscription, records: records.length });
  }

  async #subscribe(): Promise<void> {
    const positions = [...this.#next].map(([partition, offset]) => ({ partition, offset }));
    const from = positions.length > 0 ? { positions, incarnation: this.#incarnation } : "earliest";
    const reply = await this.request({ type: "subscribe", topic: this.#topic, from });
    if (!reply) return;
    if (reply["type"] !== "ok") return this.cut();
    this.#incarnation = String(reply["incarnation"]);
    if (reply["recovered"] !== true) this.#history.violation(`resume: ${JSON.stringify(reply)}`);
    // What stands behind the reply in its message may have been taken before this.
    for (const { partition, offset } of reply["positions"] as Place[]) {
      if (!this.#next.has(partition)) this.#next.set(partition, offset);
    }
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

interface RecordsFrame {
  readonly subscription: number;
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly { offset: number; value: string }[];
  readonly next: number;
}

/** A member of a group: commits what it has read, gives up what it is told to. */
export class Consumer extends SimClient {
  readonly #join: Frame;
  readonly #history: History;
  /** By partition's name: the next offset to come. */
  readonly #owned = new Map<string, number>();
  #subscription = 0;

  constructor(site: Site, join: Frame, history: History) {
    super(site);
    this.#join = join;
    this.#history = history;
  }

  get owned(): readonly string[] {
    return [...this.#owned.keys()];
  }

  protected override opened(): void {
    this.#owned.clear();
    this.#begin();
  }

  protected override pushed(frame: Frame): void {
    this.#subscription = Number(frame["subscription"] ?? this.#subscription);
    switch (frame["type"]) {
      case "assign":
        for (const { topic, partition, offset } of frame["partitions"] as Place[]) {
          this.#owned.set(`${topic}/${partition}`, offset);
          this.#history.assigned(this, `${topic}/${partition}`, offset);
        }
        return;
      case "revoke":
        for (const { topic, partition } of frame["partitions"] as Place[]) {
          this.#owned.delete(`${topic}/${partition}`);
        }
        if (!frame["lost"]) this.#release(frame["partitions"]);
        return;
      case "records":
        return this.#take(frame as unknown as RecordsFrame);
      case "end":
        return this.cut();
    }
  }

  #release(partitions: unknown): void {
    const { world } = this.site;
    const subscription = this.#subscription;
    // Some never answer: then the deadline takes the partitions.
    if (world.chance(0.1)) return;
    world.after(world.between(0, 100), () => {
      this.push({ type: "release", subscription, partitions });
    });
  }

  #take({ topic, partition, records, next, subscription }: RecordsFrame): void {
    const name = `${topic}/${partition}`;
    const expected = this.#owned.get(name);
    this.push({ type: "credit", subscription, records: records.length });
    if (expected === undefined) {
      return this.#history.violation(`records of ${name} came to one that does not own it`);
    }
    if (records[0]?.offset !== expected) {
      this.#history.violation(`the owner of ${name} got ${records[0]?.offset}, not ${expected}`);
    }
    for (const { offset, value } of records) this.#history.read(topic, partition, offset, value);
    this.#owned.set(name, next);
    this.#commit(topic, partition, next);
  }

  async #commit(topic: string, partition: number, offset: number): Promise<void> {
    const { world } = this.site;
    await world.sleep(world.between(0, 60));
    const name = `${topic}/${partition}`;
    const begun = this.#history.commitBegins(name);
    const subscription = this.#subscription;
    const offsets = [{ topic, partition, offset }];
    const reply = await this.request({ type: "commit", subscription, offsets });
    if (reply?.["type"] === "ok") this.#history.committed(this, name, offset, begun);
  }

  async #begin(): Promise<void> {
    const reply = await this.request(this.#join);
    if (reply && reply["type"] !== "ok") this.cut();
  }
}
