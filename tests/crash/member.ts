/**
 * One member of a consumer group: joins, takes batches of one partition at a time in order, and lets
 * its work decide what is committed. It can be killed at any moment, as a crash would do it.
 */

import { Connection, type Frame, Refused } from "./connection.ts";

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Records of one partition, in order. `next` is the offset to commit when they are done. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly { offset: number; key: string; value: Frame }[];
  readonly next: number;
}

/** What a consumer does; `member` is there for its commits. */
export interface Work {
  readonly group: string;
  readonly topics: readonly string[];
  /** A partition is ours now, from this position on: makes ready for it. */
  assigned(member: Member, at: Position): Promise<void>;
  /** A batch of a partition that is ours. Returns when it is done and committed. */
  process(member: Member, batch: Batch): Promise<void>;
}

const CREDIT = 2_000;

export class Member {
  readonly connection: Connection;
  readonly #work: Work;
  #subscription = 0;
  /** What was pushed and is not worked off. */
  #queue: Frame[] = [];
  #working = false;
  readonly #owned = new Set<string>();
  alive = true;

  private constructor(connection: Connection, work: Work) {
    this.connection = connection;
    this.#work = work;
  }

  static async start(url: string, work: Work): Promise<Member> {
    const member = new Member(await Connection.open(url), work);
    member.connection.onPush = (frame) => member.#receive(frame);
    const { group, topics } = work;
    const joined = member.connection.request("join", {
      group,
      topics,
      credit: { records: CREDIT },
    });
    member.#subscription = Number((await joined)["subscription"]);
    return member;
  }

  get subscription(): number {
    return this.#subscription;
  }

  get partitions(): number {
    return this.#owned.size;
  }

  async commit(offsets: readonly Position[]): Promise<void> {
    const { subscription } = this;
    await this.connection.request("commit", { subscription, offsets });
  }

  /** As a crash: the socket is gone, nothing is finished. */
  kill(): void {
    this.alive = false;
    this.connection.close();
  }

  #receive(frame: Frame): void {
    // The `ok` of join comes before every push of its subscription, but its promise resolves later.
    if (typeof frame["subscription"] === "number") this.#subscription = frame["subscription"];
    this.#queue.push(frame);
    if (!this.#working) this.#workOff();
  }

  async #workOff(): Promise<void> {
    this.#working = true;
    for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) {
      try {
        await this.#take(frame["type"] === "records" ? this.#withMore(frame) : frame);
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#working = false;
  }

  /** The records and what has come behind them for the same partition: one batch, one commit. */
  #withMore(first: Frame): Frame {
    const isMore = ({ type, topic, partition }: Frame) =>
      type === "records" && topic === first["topic"] && partition === first["partition"];
    const control = this.#queue.findIndex(({ type }) => type !== "records");
    const free = control < 0 ? this.#queue : this.#queue.slice(0, control);
    const all = [first, ...free.filter(isMore)];
    this.#queue = this.#queue.filter((frame, i) => i >= free.length || !isMore(frame));
    const records = all.flatMap((frame) => frame["records"] as Batch["records"]);
    return { ...first, records, next: all.at(-1)?.["next"] };
  }

  async #take(frame: Frame): Promise<void> {
    if (!this.alive) return;
    switch (frame["type"]) {
      case "assign":
        for (const at of frame["partitions"] as Position[]) {
          await this.#work.assigned(this, at);
          this.#owned.add(`${at.topic}/${at.partition}`);
        }
        return;
      case "revoke": {
        const partitions = frame["partitions"] as Position[];
        for (const { topic, partition } of partitions) this.#owned.delete(`${topic}/${partition}`);
        if (!frame["lost"]) {
          this.connection.push("release", { subscription: this.subscription, partitions });
        }
        return;
      }
      case "records":
        return await this.#process(frame as unknown as Batch);
      case "end":
        throw new Error(`${this.#work.group} ended: ${frame["message"]}`);
    }
  }

  async #process(batch: Batch): Promise<void> {
    const { topic, partition, records } = batch;
    if (!this.#owned.has(`${topic}/${partition}`)) return;
    await this.#work.process(this, batch);
    const { subscription } = this;
    this.connection.push("credit", { subscription, records: records.length });
  }

  /** To have lost a partition, or the connection, is a consumer's life; all else ends the run. */
  #failed(error: unknown): void {
    if (!this.alive || (error instanceof Refused && error.reply["retry"] === "rejoin")) return;
    throw error;
  }
}
