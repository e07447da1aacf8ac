/**
 * The client: one connection, and everything that an application does over it. This file has the
 * methods that applications call; most are implemented in the file of the same name.
 */

import type { PublishOk, TransactOk } from "../protocol/gateway_frames.ts";
import { type Abortable, settling } from "./abort.ts";
import { Calls } from "./calls.ts";
import { type Claim, claimError } from "./claim.ts";
import type { OffsetToCommit } from "./commits.ts";
import type { Membership } from "./membership.ts";
import { Connection } from "./connection.ts";
import { type ConsumeOptions, Consumer } from "./consumer.ts";
import { asyncDispose } from "./dispose.ts";
import { WeirError } from "./errors.ts";
import type { ConnectionState } from "./link.ts";
import type { Platform } from "./platform.ts";
import { Producer, type ProducerOptions, QUEUE_BYTES } from "./producer.ts";
import {
  encodePart,
  type Entry,
  type Published,
  publishedAt,
  publishOf,
  type RecordToPublish,
  transactOf,
} from "./records.ts";
import { type SubscribeOptions, Subscription } from "./subscription.ts";
import { systemPlatform } from "./system.ts";
import { Renewal } from "./token.ts";

/**
 * How to connect.
 *
 * ```ts
 * await using app = connect("http://127.0.0.1:8080", {
 *   client: { name: "driver-app", version: "2.1.0" },
 * });
 * await app.publish("positions", { key: "cab-7", value: { lat: 37.75 } });
 * ```
 */
export interface ConnectOptions {
  /**
   * The token to authenticate with, if the gateway requires one. A function is called for each
   * connection, and again before the token expires; it has 8 seconds, and is retried if it fails. A
   * string cannot be renewed: once it has expired, the client stops with `unauthenticated`.
   *
   * ```ts
   * const app = connect("http://127.0.0.1:8080", {
   *   token: async () => (await fetch("/token")).text(),
   * });
   * await app.close();
   * ```
   */
  readonly token?: string | (() => string | Promise<string>);
  /** The name and version of the application, for the gateway's operators. */
  readonly client?: { readonly name: string; readonly version: string };
  /**
   * The most bytes of publishes without a producer that may be queued or unanswered; 4 MiB by
   * default.
   */
  readonly maxQueueBytes?: number;
  /** Replaces clock, timers and sockets; for tests. */
  readonly platform?: Platform;
}

/**
 * One part of a transaction.
 *
 * ```ts
 * await weir.transact([
 *   { topic: "orders", records: { key: "order-9", value: { price: 3 } } },
 *   { topic: "notifications", records: { key: "ada", value: "Your order is on its way" } },
 * ]);
 * ```
 */
export interface TransactPart {
  readonly topic: string;
  readonly records: RecordToPublish | readonly RecordToPublish[];
}

/**
 * Options of a transaction.
 *
 * ```ts
 * for await (const { topic, partition, records, next } of consumer.batches()) {
 *   const count = { topic: "counts", records: { value: records.length } };
 *   const commit = { consumer, offsets: [{ topic, partition, offset: next }] };
 *   await weir.transact([count], { commit, producer });
 *   break;
 * }
 * ```
 */
export interface TransactOptions extends Abortable {
  /** Offsets to commit for the consumer, atomically with the publishes. */
  readonly commit?: {
    readonly consumer: {
      readonly membership: Pick<Membership<unknown>, "claim" | "transacted">;
    };
    readonly offsets: readonly OffsetToCommit[];
  };
  /**
   * Sends the transaction through this producer: it is stored once, even if the connection fails.
   */
  readonly producer?: Producer;
}

const VERSION = "0.1.0";
const CLOSE_MS = 5_000;
const PATH = "/v1/connect";

/**
 * Connects to a gateway, and reconnects whenever the connection is lost. Returns at once: calls
 * wait until there is a connection.
 *
 * `url`: the gateway's URL, with `http`, `https`, `ws` or `wss`; in a page it may be relative.
 *
 * ```ts
 * await using weir = connect("http://127.0.0.1:8080");
 * await weir.publish("positions", { key: "cab-7", value: { lat: 37.75 } });
 * ```
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Client {
  return new Client(url, options);
}

/**
 * A connection to a gateway, as `connect` returns it.
 *
 * ```ts
 * const app = connect("http://127.0.0.1:8080");
 * console.log(app.state.status);
 * await app.close();
 * // connecting
 * ```
 */
export class Client {
  readonly #connection: Connection;
  readonly #calls: Calls;

  /** Use `connect()`. */
  constructor(url: string | URL, options: ConnectOptions = {}) {
    const { platform = systemPlatform, token, maxQueueBytes = QUEUE_BYTES } = options;
    const client = options.client ?? { name: "weir-client", version: VERSION };
    this.#connection = new Connection(platform, socketUrl(url), { token, client });
    if (typeof token === "function") this.#connection.add(new Renewal(this.#connection, token));
    this.#calls = new Calls(this.#connection, maxQueueBytes);
    this.#connection.start();
  }

  /**
   * The current state of the connection.
   *
   * ```ts
   * await weir.publish("positions", { value: 1 });
   * console.log(weir.state.status);
   * // open
   * ```
   */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /**
   * The last error of the connection, if there was one.
   *
   * ```ts
   * console.log(weir.lastError?.message);
   * // undefined
   * ```
   */
  get lastError(): WeirError | undefined {
    return this.#connection.lastError;
  }

  /**
   * Calls `listener` on every change of the connection's state. Returns a function that stops this.
   *
   * ```ts
   * const stop = weir.onState(({ status, reason }) => console.log(status, reason));
   * // …
   * stop();
   * ```
   */
  onState(listener: (state: ConnectionState) => void): () => void {
    return this.#connection.onState(listener);
  }

  /**
   * Checks the connection, and reconnects if the gateway does not answer within 2 seconds. In a
   * page this happens automatically when it becomes visible or the network changes; an app without
   * a page should call it when it comes to the foreground.
   *
   * ```ts
   * weir.probe();
   * ```
   */
  probe(): void {
    this.#connection.probe();
  }

  /**
   * Stores records in a topic: all records of the call, or none. Resolves when they are on disk. If
   * there is no connection, the call waits for one. If the connection is lost before the answer, it
   * rejects with `connection_lost` and `effect` `"unknown"`: the records may be stored. Use a
   * `producer` for records that must be stored exactly once. Calls that are not awaited may be
   * stored in any order.
   *
   * ```ts
   * const { places } = await weir.publish("positions", { key: "cab-7", value: { lat: 37.75 } });
   * console.log(places.length);
   * // 1
   * ```
   */
  async publish(
    topic: string,
    records: RecordToPublish | readonly RecordToPublish[],
    { signal }: Abortable = {},
  ): Promise<Published> {
    const { text, bytes } = encodePart(topic, records);
    const members = () => publishOf(topic, text);
    const reply = await this.#calls.call("publish", members, bytes, signal);
    const { offsets, duplicate } = reply as PublishOk;
    return publishedAt(offsets, duplicate);
  }

  /**
   * Publishes to several topics, and commits offsets of a consumer, atomically: all or nothing. So
   * a step from one topic to the next is neither lost nor done twice.
   *
   * ```ts
   * const consumer = weir.consume("orders", { group: "billing", autoCommitMs: false });
   * for await (const { topic, partition, offset, key, value } of consumer) {
   *   const offsets = [{ topic, partition, offset: offset + 1 }];
   *   const invoice = { topic: "invoices", records: { key, value: { total: value.price * 2 } } };
   *   await weir.transact([invoice], { commit: { consumer, offsets }, producer });
   *   break;
   * }
   * ```
   */
  async transact(
    parts: readonly TransactPart[],
    { commit, producer, signal }: TransactOptions = {},
  ): Promise<Published[]> {
    const entries = parts.map(({ topic, records }) => encodePart(topic, records));
    const claim = commit?.consumer.membership.claim(commit.offsets);
    let published: Published[] | undefined;
    do {
      if (claim) await settling<void>(signal, ({ resolve }) => claim.whenSettled(resolve));
      // An empty transaction is refused and takes no sequence.
      published = producer && parts.length > 0
        ? await producer.transact(entries, claim, signal)
        : await this.#transact(entries, claim, signal);
    } while (!published);
    if (commit) commit.consumer.membership.transacted(commit.offsets);
    return published;
  }

  /**
   * Creates a producer: what it publishes is stored once and in order, even if the connection
   * fails.
   *
   * ```ts
   * await using producer = weir.producer();
   * for (let i = 0; i < 1000; i++) {
   *   await producer.ready;
   *   producer.publish("positions", { key: "cab-7", value: i }).catch(console.error);
   * }
   * await producer.flush();
   * ```
   */
  producer(options: ProducerOptions = {}): Producer {
    return new Producer(this.#connection, options);
  }

  /**
   * Subscribes to a topic: every subscription gets all records, or all records with its keys.
   *
   * ```ts
   * for await (const { key, value } of weir.subscribe("positions", { from: "earliest" })) {
   *   console.log(key, value);
   *   break;
   * }
   * // cab-7 { lat: 37.75 }
   * ```
   */
  subscribe<Value = unknown>(topic: string, options: SubscribeOptions = {}): Subscription<Value> {
    return new Subscription<Value>(this.#connection, topic, options);
  }

  /**
   * Joins a consumer group: its members share the partitions, and each record is processed by one
   * of them.
   *
   * ```ts
   * for await (const { key, value } of weir.consume("positions", { group: "fare-meter" })) {
   *   console.log(key, value);
   *   break;
   * }
   * // cab-7 { lat: 37.75 }
   * ```
   */
  consume<Value = unknown>(
    topics: string | readonly string[],
    options: ConsumeOptions,
  ): Consumer<Value> {
    return new Consumer<Value>(this.#connection, topics, options);
  }

  /**
   * Closes the client: producers are flushed, consumers commit and leave their groups, loops end.
   * After 5 seconds, or at once without a connection, whatever is left rejects with `closed`.
   *
   * ```ts
   * await weir.close();
   * console.log(weir.state.status);
   * // closed
   * ```
   */
  async close(): Promise<void> {
    const { platform, isOpen } = this.#connection;
    const closing = Promise.all(this.#connection.closables.map((one) => one.close()));
    if (isOpen) {
      let cancel = () => {};
      const late = new Promise<void>((resolve) => cancel = platform.after(CLOSE_MS, resolve));
      await Promise.race([closing, late]);
      cancel();
    }
    this.#connection.close();
  }

  /** As `close`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves to undefined if the consumer was rejoining when the transaction was to be sent. */
  async #transact(
    entries: readonly Entry[],
    commit: Claim | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Published[] | undefined> {
    const parts = entries.map(({ topic, text }) => publishOf(topic, text));
    const members = () => transactOf(parts, commit?.json(false));
    const bytes = entries.reduce((sum, part) => sum + part.bytes, 0);
    const reply = await this.#calls.call("transact", members, bytes, signal).catch((error) => {
      if (commit?.isSettled === false && error.code === "not_owner") return undefined;
      throw commit && error instanceof WeirError ? claimError(error) : error;
    });
    if (!reply) return undefined;
    const { offsets, duplicate } = reply as TransactOk;
    return offsets.map((places) => publishedAt(places, duplicate));
  }
}

/** The URL of the gateway's WebSocket endpoint. */
function socketUrl(given: string | URL): string {
  const base = (globalThis as { location?: { href?: string } }).location?.href;
  const url = new URL(given, base);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.hash = "";
  if (!url.pathname.endsWith(PATH)) url.pathname = url.pathname.replace(/\/*$/, PATH);
  return url.href;
}
