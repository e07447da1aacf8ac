/**
 * A simulated client that publishes to two topics in one transaction, with an idempotent producer,
 * and resends it until it is answered: a gateway may know one topic further than the other.
 */

import type { Place, ProducerStamp } from "../checker/history.ts";
import type { Frame } from "./client.ts";
import { AnyPublisher, type Producer, sendOf, settle } from "./publishers.ts";

interface Pair {
  readonly parts: readonly { readonly topic: string; readonly records: readonly Frame[] }[];
  /** Sequence of the first part; the others have the following ones. */
  readonly sequence: number;
  /** On this connection, and not refused there. */
  sent: boolean;
}

export class PairPublisher extends AnyPublisher {
  #producer: Producer | undefined;
  #sequence = 0;
  #open: Pair | undefined;

  override get isQuiet(): boolean {
    return this.#open === undefined;
  }

  protected override opened(): void {
    if (this.#open) this.#open.sent = false;
  }

  protected override forget(): void {
    this.#producer = undefined;
    this.#sequence = 0;
    this.#open = undefined;
  }

  protected override async step(): Promise<void> {
    if (!this.#producer) {
      const reply = await this.request({ type: "initProducer" });
      if (reply?.["type"] === "ok") this.#producer = reply["producer"] as Producer;
      return;
    }
    if (!this.finished) this.#open ??= this.#begin();
    if (this.#open && !this.#open.sent) await this.#send(this.#open, this.#producer);
  }

  #begin(): Pair {
    const parts = this.options.topics.map((topic) => ({ topic, records: this.records() }));
    const sequence = this.#sequence;
    this.#sequence += parts.length;
    return { parts, sequence, sent: false };
  }

  async #send(pair: Pair, producer: Producer): Promise<void> {
    const { recorder } = this.site;
    pair.sent = true;
    const publish = pair.parts.map(({ topic, records }, i) => {
      const stamp: ProducerStamp = { ...producer, sequence: pair.sequence + i };
      return { topic, records, producer: stamp };
    });
    const sends = publish.map(({ topic, records, producer }) => sendOf(topic, records, producer));
    const op = recorder.invoke(this.name, { f: "send", sends });
    const reply = await this.request({ type: "transact", publish });
    settle(this.site, this.name, op, reply, (ok) => {
      const duplicate = ok["duplicate"] === true;
      recorder.ok(this.name, op, { places: ok["offsets"] as Place[][], duplicate });
    });
    if (!reply || this.#open !== pair) return;
    if (reply["type"] === "ok") this.#open = undefined;
    else if (reply["retry"] === "same" || reply["retry"] === "resend") pair.sent = false;
    else if (reply["retry"] === "reconnect" || reply["code"] === "unauthenticated") this.cut();
    else this.site.fault("refused", `transact of ${this.name}: ${JSON.stringify(reply)}`);
  }
}
