/**
 * The partitioned log, as the rest of the gateway sees it. Appends go through one journal; what was
 * appended is reported to one listener, and read from memory or from the store.
 */

import { assert } from "../assert.ts";
import { GatewayError } from "../errors.ts";
import type { Clock, Host, Telemetry } from "../host/host.ts";
import { LOG, STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import type { Entry, Store } from "../store/store.ts";
import type { Offset, Topic } from "../types.ts";
import { allDone } from "./all_done.ts";
import type { Append, AppendPart, Arrived, StripePlace } from "./append.ts";
import { Appender } from "./appender.ts";
import { Arrivals } from "./arrivals.ts";
import { EntryCache } from "./entry_cache.ts";
import { decodeHead, decodeTrim } from "./head.ts";
import { Journal } from "./journal.ts";
import { giveUp } from "./lane.ts";
import { Reader } from "./reader.ts";
import type { Bounds, Section, Slice, Wanted } from "./section.ts";
import type { Stripe } from "./stripe.ts";
import { TopicLog } from "./topic_log.ts";
import { isUnknownTopic, stripeCount, Topics, unknownTopic } from "./topics.ts";
import { Unanswered } from "./unanswered.ts";

/** Receives changes of the log once they are stored. */
export interface LogListener {
  /** These were appended. For each partition they come in order and without a gap. */
  appended(sections: readonly Section[]): void;
  /**
   * The partition has grown by records that `appended` does not deliver, such as ones that
   * retention has already passed.
   */
  skipped(topic: Topic, partition: number): void;
}

export class Log {
  readonly topics: Topics;
  readonly journal: Journal;
  listener: LogListener = { appended() {}, skipped() {} };
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #appender: Appender;
  readonly #tail = new EntryCache(LOG.cacheBytes);
  readonly #pages = new EntryCache(LOG.cacheBytes / 4);
  readonly #reader: Reader;
  /** By incarnation. */
  readonly #logs = new Map<string, TopicLog>();
  readonly #arrivals: Arrivals;
  /** Stripes to which other gateways have appended, and the refresh of them that is due. */
  readonly #toLearn = new Set<Stripe>();
  #learning: Promise<void> | undefined;
  /** The last refresh of everything in memory, and the next one if it is due. */
  #refreshing: Promise<void> = Promise.resolve();
  #nextRefresh: Promise<void> | undefined;
  readonly #unanswered = new Unanswered();
  readonly #onSettled = new Set<() => void>();

  constructor(store: Store, host: Host, autoPartitions: number) {
    this.#store = store;
    this.#clock = host.clock;
    this.#telemetry = host.telemetry;
    this.topics = new Topics(store, host, autoPartitions);
    this.topics.onRemoved((topic) => this.#end(topic));
    this.journal = new Journal(store, host);
    this.#appender = new Appender(host, {
      appended: (sections) => this.listener.appended(sections),
      answered: (number) => this.#answered(number),
      refresh: (stripes) => this.#learn(stripes),
      behind: async (stripes) => {
        if (store.shared) await this.#learnSoon(stripes);
      },
      isDeleted: (topic) => !this.#logs.has(topic.id),
    }, () => this.journal.wake());
    this.journal.add(this.#appender);
    this.#arrivals = new Arrivals({
      admit: (arrived) => this.#enqueue(arrived),
      load: (append) => this.#load(append),
      refuse: (arrived, error) => this.#refuse(arrived, error),
    });
    this.#reader = new Reader(store, this.#tail, this.#pages);
  }

  /** How many appends have come, which is the number of the last one: see `settledOrCall`. */
  get accepted(): number {
    return this.#unanswered.last;
  }

  /** Whether all appends up to this number are answered; if not, calls `then` when more are. */
  settledOrCall(number: number, then: () => void): boolean {
    if (this.#unanswered.oldest > number) return true;
    this.#onSettled.add(then);
    return false;
  }

  /** Whether so much waits for the store that it is better not to read more. */
  get isBehind(): boolean {
    return this.#appender.isBehind;
  }

  /** Stores all of it or none, and calls `done` once. Appends to a partition keep their order. */
  append(append: Append): void {
    const number = this.#unanswered.add();
    this.#arrivals.take({ append, number, since: this.#clock.monotonic() });
  }

  /** Something is being written, or waits for that. */
  get isWriting(): boolean {
    return this.journal.isWriting;
  }

  /** Where the partition's log begins and ends, if its topic is in memory. */
  known(topic: Topic, partition: number): Bounds | undefined {
    const log = this.#logs.get(topic.id);
    return log?.ready ? log.stripeOf(partition).bounds(partition) : undefined;
  }

  /** The bounds in the store now, appends of other gateways included. */
  async bounds(topic: Topic, partition: number): Promise<Bounds> {
    return (await this.catchUp(topic)).stripeOf(partition).bounds(partition);
  }

  /** The start of each partition in the store now; empty if the topic is gone. */
  async starts(topic: Topic): Promise<Offset[]> {
    const trims = await this.#store.read(stripesOf(topic).map((i) => keys.trim(topic.id, i)));
    return trims.flatMap(({ value }) => value ? decodeTrim(value).start : []);
  }

  /** The end of each partition in the store now; empty if the topic is gone. */
  async ends(topic: Topic): Promise<Offset[]> {
    const heads = await this.#store.read(stripesOf(topic).map((i) => keys.head(topic.id, i)));
    return heads.flatMap(({ value }) => value ? decodeHead(value).next : []);
  }

  /** The first record that was appended at or after `timestamp`; the end of the log if none was. */
  async offsetAt(topic: Topic, partition: number, timestamp: number): Promise<Offset> {
    const stripe = (await this.catchUp(topic)).stripeOf(partition);
    return await this.#reader.offsetAt(stripe, partition, timestamp);
  }

  /** Sections from `from` on, up to `LOG.readBytes`, if they are in memory; none at the end. */
  cached(topic: Topic, partition: number, from: Offset): readonly Section[] | undefined {
    const log = this.#logs.get(topic.id);
    if (!log?.ready || from > log.stripeOf(partition).bounds(partition).next) return undefined;
    return this.#reader.cached(log.stripeOf(partition), partition, from);
  }

  /** Reads the wanted records, at least one unless the log ends there. */
  async read(topic: Topic, partition: number, wanted: Wanted): Promise<Slice> {
    const stripe = await this.#reaching(topic, partition, wanted.from);
    return await this.#reader.read(stripe, partition, wanted);
  }

  /** The topic's stripes, loaded; `unknown_topic` if it is gone. */
  open(topic: Topic): Promise<TopicLog> {
    return this.#logOf(topic).loaded;
  }

  /** The same, with all that other gateways have appended until now. */
  async catchUp(topic: Topic): Promise<TopicLog> {
    const log = await this.open(topic);
    if (this.#store.shared) await this.#learnSoon(log.stripes);
    return log;
  }

  /** Other gateways have appended up to these entries. */
  async grown(places: readonly StripePlace[]): Promise<void> {
    const behind = places.flatMap(({ topicId, stripe, entries }) => {
      const log = this.#logs.get(topicId);
      const known = log && this.#stripesNow(log)[stripe];
      return known && known.head.entries < entries ? [known] : [];
    });
    if (behind.length > 0) await this.#learnSoon(behind);
  }

  /** Other gateways may have appended anywhere. Callers share a refresh that has not begun yet. */
  catchUpAll(): Promise<void> {
    return this.#nextRefresh ??= this.#refreshing.then(() => {
      this.#nextRefresh = undefined;
      const refresh = this.#refreshAll();
      this.#refreshing = refresh.catch(() => {});
      return refresh;
    });
  }

  /** Topics whose stripes are in memory. */
  loaded(): Iterable<TopicLog> {
    return this.#logs.values();
  }

  tick(now: number): void {
    this.#arrivals.tick(now);
    this.#appender.tick(now);
  }

  /** The partition's stripe; if `from` is beyond its known end, with what others have appended. */
  async #reaching(topic: Topic, partition: number, from: Offset): Promise<Stripe> {
    const stripe = (await this.open(topic)).stripeOf(partition);
    if (from > stripe.bounds(partition).next) await this.catchUp(topic);
    return stripe;
  }

  /** Loads the topics of an append. One that is damaged in the store fails only its own appends. */
  async #load({ parts }: Append): Promise<void> {
    try {
      await Promise.all(parts.map(({ topic }) => this.open(topic)));
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      this.#telemetry.report("error", "A topic cannot be loaded", { error });
      throw new GatewayError(
        "internal",
        "The topic cannot be loaded; why is logged at the gateway",
      );
    }
  }

  #enqueue(arrived: Arrived): boolean {
    const { parts } = arrived.append;
    const logs: TopicLog[] = new Array(parts.length);
    for (let i = 0; i < logs.length; i++) {
      const log = this.#logOf((parts[i] as AppendPart).topic);
      if (!log.ready) return false;
      logs[i] = log;
    }
    try {
      this.#appender.enqueue(arrived, logs);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#refuse(arrived, error);
    }
    return true;
  }

  #refuse({ append, number }: Arrived, error: GatewayError): void {
    for (const { producer, admission } of append.parts) giveUp(producer, admission, error);
    this.#answered(number);
    append.done({ ok: false, error });
  }

  #answered(number: number): void {
    this.#unanswered.delete(number);
    if (this.#onSettled.size === 0) return;
    const waiting = [...this.#onSettled];
    this.#onSettled.clear();
    for (const run of waiting) run();
  }

  #logOf(topic: Topic): TopicLog {
    const known = this.#logs.get(topic.id);
    if (known) return known;
    const log = new TopicLog(this.#store, topic, this.#tail);
    this.#logs.set(topic.id, log);
    log.loaded.catch((error) => {
      this.#logs.delete(topic.id);
      if (isUnknownTopic(error)) this.topics.vanished(topic);
    });
    return log;
  }

  /** While a topic loads, it may miss what others append: it is refreshed once it is loaded. */
  #stripesNow(log: TopicLog): readonly Stripe[] {
    if (!log.ready) log.loaded.then(({ stripes }) => this.#learnSoon(stripes)).catch(() => {});
    return log.stripes;
  }

  /** Callers share a refresh that has not begun: two at once would learn the same twice. */
  #learnSoon(stripes: readonly Stripe[]): Promise<void> {
    for (const stripe of stripes) this.#toLearn.add(stripe);
    return this.#learning ??= this.journal.between(async () => {
      const due = [...this.#toLearn];
      this.#toLearn.clear();
      this.#learning = undefined;
      await this.#learn(due);
    });
  }

  /**
   * Compares all heads first, while writes go on: most have not changed. A stripe that is being
   * written to may look as if others had written: refreshing it is harmless.
   */
  async #refreshAll(): Promise<void> {
    const stripes = [...this.#logs.values()].flatMap((log) => this.#stripesNow(log));
    for await (const heads of this.#headsOf(stripes)) {
      const behind = heads.filter(([{ headVersion }, { version }]) => version !== headVersion);
      if (behind.length > 0) await this.#learnSoon(behind.map(([stripe]) => stripe));
    }
  }

  /** Learns what others have written, and reports it. Nothing is being written meanwhile. */
  async #learn(stripes: readonly Stripe[]): Promise<void> {
    for await (const heads of this.#headsOf(stripes)) {
      await allDone(heads.map(([stripe, head]) => this.#learnFrom(stripe, head)));
    }
  }

  /** The heads in the store, as many at a time as one read takes. */
  async *#headsOf(stripes: readonly Stripe[]): AsyncGenerator<[stripe: Stripe, head: Entry][]> {
    for (let at = 0; at < stripes.length; at += STORE.readKeys) {
      const some = stripes.slice(at, at + STORE.readKeys);
      const heads = await this.#store.read(
        some.map(({ topic, index }) => keys.head(topic.id, index)),
      );
      yield some.map((stripe, i) => {
        const head = heads[i];
        assert(head, "a read answers every key");
        return [stripe, head];
      });
    }
  }

  async #learnFrom(stripe: Stripe, head: Entry): Promise<void> {
    try {
      const learned = await stripe.refresh(this.#store, head);
      if (!learned) return this.#skipped(stripe);
      this.listener.appended(learned);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "unknown_topic") throw error;
      this.topics.vanished(stripe.topic);
      this.#end(stripe.topic);
    }
  }

  #skipped(stripe: Stripe): void {
    for (let at = 0; at < stripe.partitions; at++) {
      this.listener.skipped(stripe.topic, stripe.first + at);
    }
  }

  #end(topic: Topic): void {
    const log = this.#logs.get(topic.id);
    if (!log) return;
    log.ended = unknownTopic(topic.name);
    this.#logs.delete(topic.id);
    for (const stripe of log.stripes) {
      this.#tail.drop(stripe);
      this.#pages.drop(stripe);
    }
  }
}

function stripesOf({ partitions }: Topic): number[] {
  return Array.from({ length: stripeCount(partitions) }, (_, i) => i);
}
