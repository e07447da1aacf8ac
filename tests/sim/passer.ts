/**
 * A simulated member of a group that passes on what it reads: copies of the records and the commit
 * go in one transaction, which it resends if it was not answered. So each record appears once,
 * whatever happens.
 */

import type { Frame } from "./client.ts";
import type { ConsumerOptions } from "./consumer.ts";
import { Consumer } from "./consumer.ts";
import type { Commit, Place, ProducerStamp } from "../checker/history.ts";
import { type Producer, sendOf, settle, shortened } from "./publishers.ts";
import type { RecordsFrame } from "./reading_client.ts";
import { copyOf } from "./passed_on.ts";
import type { Site } from "./site.ts";

interface Batch extends Pick<RecordsFrame, "topic" | "partition" | "records"> {
  /** Positions of what was read, for the history and for the gateway. */
  readonly commit: Commit;
  readonly commitFrame: Frame;
}

interface Transaction extends Batch {
  readonly copies: readonly Frame[];
  readonly sequence: number;
  tries: number;
}

export class Passer extends Consumer {
  readonly #into: string;
  #producer: Producer | undefined;
  #sequence = 0;
  #copies = 0;
  /** Of this connection: batches that wait for their turn. */
  #waiting: Batch[] = [];
  #open: Transaction | undefined;
  #hasJoined = false;

  constructor(site: Site, name: string, options: ConsumerOptions & { readonly into: string }) {
    const { into, ...spec } = options;
    super(site, name, spec);
    this.#into = into;
  }

  /**
   * What the last connection left open comes first: its subscription must not be taken for a new
   * one.
   */
  protected override opened(): void {
    this.#waiting = [];
    this.#hasJoined = false;
    this.#init();
  }

  /** What is in flight may still be stored, or not: the commit in it says where to begin. */
  protected override forget(): void {
    this.#producer = undefined;
    this.#sequence = 0;
    this.#open = undefined;
  }

  /** Not while something is in flight: the next membership must begin behind it. */
  override leave(awayMs: number): void {
    if (this.#open) return;
    this.#waiting = [];
    super.leave(awayMs);
  }

  #join(): void {
    if (this.#hasJoined || this.#open) return;
    this.#hasJoined = true;
    super.opened();
  }

  protected override async dealWith(
    { topic, partition, records, next }: RecordsFrame,
  ): Promise<void> {
    // The commit is fixed now: a later membership is a different one.
    const { commit, frame } = this.commitOf(topic, partition, next);
    this.#waiting.push({ topic, partition, records, commit, commitFrame: frame });
    this.#go();
  }

  /** What it was given of the partition will be delivered again, to the next owner. */
  protected override gone(topic: string, partition: number): void {
    const isOfIt = (batch: Batch) => batch.topic === topic && batch.partition === partition;
    this.#waiting = this.#waiting.filter((batch) => !isOfIt(batch));
    // What is in flight may still be stored, even if the partition has come back: a new membership
    // continues after it.
    if (this.#open && isOfIt(this.#open)) this.cut();
  }

  #begin({ records, ...batch }: Batch): Transaction {
    const copies = records.map(({ value }) => ({
      value: copyOf(shortened(value), `${this.name}.${this.#copies++}`),
    }));
    return { ...batch, records, copies, sequence: this.#sequence++, tries: 0 };
  }

  /** Gets a producer, if it has none; then sends what the last connection left open. */
  #init(): void {
    if (this.#producer) return this.#go(true);
    this.ask({ type: "initProducer" }, (reply) => {
      if (!reply) return;
      if (reply["type"] === "ok") this.#producer = reply["producer"] as Producer;
      else this.site.world.after(100, () => this.#init());
      this.#go();
    });
  }

  /** One at a time. `again`: the open one has not been sent on this connection. */
  #go(again = false): void {
    if (!this.#producer || (this.#open && !again)) return;
    const next = this.#open ? undefined : this.#waiting.shift();
    if (next) this.#open = this.#begin(next);
    if (this.#open) this.#send(this.#open);
    this.#join();
  }

  #send(open: Transaction): void {
    const { recorder, rare } = this.site;
    const { copies: records, sequence, commit, commitFrame } = open;
    const topic = this.#into;
    const producer = { ...this.#producer, sequence } as ProducerStamp;
    open.tries++;
    const sends = [sendOf(topic, records, producer)];
    const op = recorder.invoke(this.name, { f: "send", sends, commit });
    const publish = [{ topic, records, producer }];
    this.ask({ type: "transact", publish, commit: commitFrame }, (reply) => {
      settle(this.site, this.name, op, reply, (ok) => {
        const duplicate = ok["duplicate"] === true;
        if (duplicate) rare.transactRepeated++;
        recorder.ok(this.name, op, { places: ok["offsets"] as Place[][], duplicate });
      });
      if (reply) this.#answered(open, reply);
    });
  }

  #answered(open: Transaction, reply: Frame): void {
    const { world } = this.site;
    if (reply["type"] === "ok") {
      this.#open = undefined;
      return this.#go();
    }
    if (reply["retry"] === "reconnect") return this.cut();
    if (reply["retry"] === "same") {
      const gateway = this.gateway;
      world.after(world.between(10, 100), () => {
        if (this.isOpen && this.gateway === gateway && this.#open === open) this.#send(open);
      });
      return;
    }
    // It lost the partition, and nothing of it was stored: the next owner passes these on.
    this.#open = undefined;
    if (open.tries > 1) {
      this.#producer = undefined;
      this.#sequence = 0;
      return this.#init();
    }
    this.#sequence--;
    this.#go();
  }
}
