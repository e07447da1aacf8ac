/**
 * A simulated member of a group that passes what it reads on: copies of the records and the commit of
 * what was read go in one transaction, which it sends again when it was not answered. So each record
 * comes out once, whatever happens.
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
  /** Of what was read, for the history and for the gateway. */
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
  /** Of this connection: what waits for its turn. */
  #waiting: Batch[] = [];
  #open: Transaction | undefined;
  #hasJoined = false;

  constructor(site: Site, name: string, options: ConsumerOptions & { readonly into: string }) {
    const { into, ...spec } = options;
    super(site, name, spec);
    this.#into = into;
  }

  /** What the last connection left open comes first: its subscription must not be taken for a new one. */
  protected override opened(): void {
    this.#waiting = [];
    this.#hasJoined = false;
    this.#init();
  }

  #join(): void {
    if (this.#hasJoined || this.#open) return;
    this.#hasJoined = true;
    super.opened();
  }

  protected override async dealWith(
    { topic, partition, records, next }: RecordsFrame,
  ): Promise<void> {
    // What it commits for is said now: a later membership is not this one's.
    const { commit, frame } = this.commitOf(topic, partition, next);
    this.#waiting.push({ topic, partition, records, commit, commitFrame: frame });
    this.#go();
  }

  /** What it was given of the partition comes again, to whoever has it then. */
  protected override gone(topic: string, partition: number): void {
    const isOfIt = (batch: Batch) => batch.topic === topic && batch.partition === partition;
    this.#waiting = this.#waiting.filter((batch) => !isOfIt(batch));
    // What is under way may be stored yet, also when the partition has come back: a new membership
    // is given it from where that has ended.
    if (this.#open && isOfIt(this.#open)) this.cut();
  }

  #begin({ records, ...batch }: Batch): Transaction {
    const copies = records.map(({ value }) => ({
      value: copyOf(shortened(value), `${this.name}.${this.#copies++}`),
    }));
    return { ...batch, records, copies, sequence: this.#sequence++, tries: 0 };
  }

  /** A producer, if it has none; then what the last connection left open. */
  #init(): void {
    if (this.#producer) return this.#go(true);
    this.ask({ type: "initProducer" }, (reply) => {
      if (!reply) return;
      if (reply["type"] === "ok") this.#producer = reply["producer"] as Producer;
      else this.site.world.after(100, () => this.#init());
      this.#go();
    });
  }

  /** One at a time. `again`: the one that is open has not been sent on this connection. */
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
    // Not its partition any more, and nothing of it was stored: whoever has it passes these on.
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
