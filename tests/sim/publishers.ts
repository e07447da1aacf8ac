/** Simulated clients that publish: with an idempotent producer, which retries, and without. */

import { type Frame, SimClient } from "./client.ts";
import type { Place, ProducerStamp, Send } from "../checker/history.ts";
import type { Process } from "./process.ts";
import type { Site } from "./site.ts";

/** Unanswered publishes of a producer. */
const WINDOW = 4;
const KEYS = 12;
/** Some values are so long that their entry is stored in several chunks. */
const LONG_BYTES = [70_000, 150_000] as const;
/** How long a fenced publisher waits before it takes back its producer's name. */
const FENCED_MS = 4_000;

interface Publish {
  readonly sequence: number;
  readonly topic: string;
  readonly records: readonly Frame[];
  /** On this connection, and not refused there. */
  sent: boolean;
  /** The gateway that it was first sent to. */
  first: Process | undefined;
  /**
   * It is stored, and kept while one before it is unanswered: a session may not skip a sequence.
   */
  stored: boolean;
}

/** What `initProducer` gives. */
export type Producer = Pick<ProducerStamp, "id" | "epoch">;

interface PublisherOptions {
  readonly topics: readonly string[];
  /** The one of them that is deleted at times. */
  readonly fleeting?: string;
  /** Between two publishes, from and to. */
  readonly everyMs: readonly [number, number];
  /** Its producer's name: others may have the same, and fence it. */
  readonly producer?: string;
}

/** Records in the history the outcome that an answer gives an operation. */
export function settle(
  { recorder }: Site,
  process: string,
  op: number,
  reply: Frame | undefined,
  ok: (reply: Frame) => void,
): void {
  if (!reply) return recorder.info(process, op, "the connection was lost");
  if (reply["type"] === "ok") return ok(reply);
  const error = String(reply["code"]);
  if (reply["effect"] === "none") recorder.fail(process, op, error);
  else recorder.info(process, op, error);
}

export function sendOf(topic: string, records: readonly Frame[], producer?: ProducerStamp): Send {
  return {
    topic,
    values: records.map(({ value }) => shortened(value)),
    keys: records.map(({ key }) => key === undefined ? undefined : String(key)),
    ...producer ? { producer } : {},
  };
}

/** A value as histories have it: if long, its beginning, its length and a checksum. */
export function shortened(value: unknown): string {
  const text = String(value);
  if (text.length <= 100) return text;
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0;
  return `${text.slice(0, 40)}~${text.length}~${sum}`;
}

export abstract class AnyPublisher extends SimClient {
  protected readonly options: PublisherOptions;
  #value = 0;
  protected finished = false;

  constructor(site: Site, name: string, options: PublisherOptions) {
    super(site, name);
    this.options = options;
  }

  override start(): void {
    super.start();
    this.#go();
  }

  /** Begins nothing new; what is in flight continues. */
  finish(): void {
    this.finished = true;
  }

  abstract get isQuiet(): boolean;

  /** Called when it is its turn and it is connected. */
  protected abstract step(): Promise<void> | void;

  protected override pushed(): void {}

  protected records(): Frame[] {
    const { world, scenario } = this.site;
    const count = 1 + Math.floor(world.random() * 4);
    const keyless = scenario.wide && world.chance(0.3);
    const padding = scenario.wide && world.chance(0.005)
      ? ` ${"x".repeat(world.between(...LONG_BYTES))}`
      : "";
    return Array.from({ length: count }, (_, i) => ({
      ...keyless ? {} : { key: `k${Math.floor(world.random() * KEYS)}` },
      value: `${this.name}/${this.#value++}${i === 0 ? padding : ""}`,
    }));
  }

  async #go(): Promise<void> {
    const { world } = this.site;
    while (!this.finished || !this.isQuiet) {
      await world.sleep(world.between(...this.options.everyMs));
      if (this.isOpen) await this.step();
    }
  }
}

/** Publishes with an idempotent producer, and resends in order what is not answered. */
export class Publisher extends AnyPublisher {
  #producer: Producer | undefined;
  #sequence = 0;
  #restUntil = 0;
  /** In the order of their sequences. */
  readonly #unanswered: Publish[] = [];

  override get isQuiet(): boolean {
    return this.#unanswered.length === 0;
  }

  protected override opened(): void {
    for (const publish of this.#unanswered) publish.sent = false;
  }

  protected override forget(): void {
    this.#unanswered.length = 0;
    this.#producer = undefined;
    this.#sequence = 0;
  }

  protected override async step(): Promise<void> {
    if (this.site.world.now < this.#restUntil) return;
    if (!this.#producer) {
      return await this.#init();
    }
    if (!this.finished && this.#unanswered.length < WINDOW) this.#add();
    for (const publish of this.#unanswered) if (!publish.sent) this.#send(publish);
  }

  async #init(): Promise<void> {
    const { producer: name } = this.options;
    if (this.finished && this.isQuiet) return;
    const reply = await this.request({ type: "initProducer", ...name ? { name } : {} });
    if (reply?.["type"] === "ok") this.#producer = reply["producer"] as Producer;
  }

  #add(): void {
    const { world } = this.site;
    const records = this.records();
    const topic = world.pick(this.options.topics);
    const sequence = this.#sequence++;
    const publish = { sequence, topic, records, sent: false, first: undefined, stored: false };
    this.#unanswered.push(publish);
  }

  async #send(publish: Publish): Promise<void> {
    publish.sent = true;
    publish.first ??= this.gateway;
    const { recorder } = this.site;
    const { topic, records, sequence } = publish;
    const producer = { ...this.#producer, sequence } as ProducerStamp;
    const at = this.gateway;
    const op = recorder.invoke(this.name, { f: "send", sends: [sendOf(topic, records, producer)] });
    const reply = await this.request({ type: "publish", topic, records, producer });
    settle(this.site, this.name, op, reply, (ok) => {
      const duplicate = ok["duplicate"] === true;
      if (duplicate && at !== publish.first) {
        this.site.rare.duplicateAnsweredByAnotherGateway++;
      }
      recorder.ok(this.name, op, { places: [ok["offsets"] as Place[]], duplicate });
      publish.stored = true;
      // An earlier one has failed: those stored after it are resent with it.
      if (this.#unanswered.some((one) => one.sequence < sequence && !one.sent)) {
        publish.sent = false;
      }
      while (this.#unanswered[0]?.stored) this.#unanswered.shift();
    });
    if (!reply || reply["type"] === "ok") return;
    if (reply["retry"] === "same" || reply["retry"] === "resend") {
      for (const one of this.#unanswered) if (one === publish || one.stored) one.sent = false;
    } else if (reply["retry"] === "reconnect" || reply["code"] === "unauthenticated") {
      this.cut(); // it is draining, and so has not accepted our hello
    } else {
      this.#refused(publish, reply);
    }
  }

  /** It will never be accepted: its topic was deleted meanwhile, or another has its name. */
  #refused(publish: Publish, reply: Frame): void {
    const isFenced = reply["code"] === "producer_fenced" && this.options.producer !== undefined;
    // It was stored in a topic that was deleted, and a later one in the new topic of that name.
    const isGone = reply["code"] === "sequence_too_old" && publish.topic === this.options.fleeting;
    if (reply["code"] !== "unknown_topic" && !isFenced && !isGone) {
      this.site.fault("refused", `publish of ${this.name}: ${JSON.stringify(reply)}`);
    }
    if (!this.#unanswered.includes(publish)) return;
    // After an earlier try its sequence may be taken: a new epoch is always right.
    this.forget();
    if (isFenced) this.#restUntil = this.site.world.now + FENCED_MS;
  }
}

/** Publishes without a producer: the outcome of what is not answered stays unknown. */
export class PlainPublisher extends AnyPublisher {
  #open = 0;

  override get isQuiet(): boolean {
    return this.#open === 0;
  }

  protected override opened(): void {}

  protected override step(): void {
    if (!this.finished) this.#publish();
  }

  async #publish(): Promise<void> {
    const { world, recorder } = this.site;
    const topic = world.pick(this.options.topics);
    const records = this.records();
    this.#open++;
    const op = recorder.invoke(this.name, { f: "send", sends: [sendOf(topic, records)] });
    const reply = await this.request({ type: "publish", topic, records });
    settle(this.site, this.name, op, reply, (ok) => {
      recorder.ok(this.name, op, { places: [ok["offsets"] as Place[]] });
    });
    this.#open--;
  }
}
