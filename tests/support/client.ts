/**
 * A client for tests over the standard `WebSocket`: it sends exactly what it is told, keeps
 * everything that comes, and waits for conditions instead of for time; a wait that takes too long
 * fails and shows what came. Every message is checked by `SessionRules`, and closing a client (or
 * leaving its scope) fails if a rule was broken.
 *
 * It is not the product's client: it has no retries and no state.
 */

import { assert, AssertionError } from "@std/assert";
import type {
  Committed,
  ErrorReply,
  Frame,
  Joined,
  Position,
  ProducerGiven,
  Published,
  Pushes,
  SentRecord,
  Stamp,
  Subscribed,
  Welcome,
} from "./frames.ts";
import type { Gateway } from "./gateway.ts";
import { type DeliveredAt, Inbox } from "./inbox.ts";
import { SessionRules } from "./session_rules.ts";

const patienceMs = 8_000;

export type Reply = { readonly type: "ok"; readonly id: number } | ErrorReply;

/** An error reply where an `ok` was expected. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reply: ErrorReply;

  constructor(reply: ErrorReply, request: string) {
    super(`${reply.code}: ${reply.message} (in reply to ${request.slice(0, 200)})`);
    this.reply = reply;
  }
}

export interface ClientOptions {
  /** `false`: nothing is sent; the test sends `hello`, if at all. */
  readonly hello?: boolean;
  /** `false`: pings are not answered. */
  readonly answersPings?: boolean;
  readonly protocols?: string[];
  /** Called with each frame that comes, inside the message handler. */
  readonly onPush?: (client: Client, frame: Frame) => void;
}

export class Client {
  readonly closed: Promise<CloseEvent>;
  welcome!: Welcome;
  readonly #socket: WebSocket;
  readonly #rules = new SessionRules();
  readonly #replies = new Map<number, (reply: Reply | undefined) => void>();
  readonly #inbox = new Inbox();
  readonly #taken = new Set<unknown>();
  #waiters: (() => void)[] = [];
  #isClosed = false;
  #told = false;
  #nextId = 1;

  private constructor(url: string, options: ClientOptions) {
    this.#socket = new WebSocket(url, options.protocols ?? ["weir.v1"]);
    this.#socket.onopen = () => this.#wake();
    this.#socket.onmessage = (event) => {
      for (const frame of this.#rules.received(event.data)) this.#take(frame, options);
      this.#wake();
    };
    this.closed = new Promise((resolve) => {
      this.#socket.onclose = (event) => {
        this.#isClosed = true;
        for (const answer of this.#replies.values()) answer(undefined);
        this.#wake();
        resolve(event);
      };
    });
    this.#socket.onerror = (event) => event.preventDefault();
  }

  /** Connects and, unless told otherwise, sends `hello`. */
  static async open(gateway: Gateway, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(gateway.socketUrl, options);
    await client.when(() => client.#socket.readyState === WebSocket.OPEN, "the connection");
    if (options.hello !== false) client.welcome = await client.request<Welcome>({ type: "hello" });
    return client;
  }

  /** Sends text unchanged, frames or not. */
  sendText(text: string): void {
    for (const frame of framesIn(text)) this.#rules.sent(frame);
    this.#socket.send(text);
  }

  sendBinary(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(bytes);
  }

  /** Sends one frame unchanged, with its id, if any. */
  send(frame: Frame): void {
    this.sendAll([frame], (text) => text.slice(1, -1));
  }

  /** Sends all these frames as one message, an array. */
  sendAll(frames: readonly Frame[], shape = (text: string): string => text): void {
    for (const frame of frames) this.#rules.sent(frame);
    this.#socket.send(shape(JSON.stringify(frames)));
  }

  /** An id for a request that the test sends itself. */
  id(): number {
    return this.#nextId++;
  }

  /** The reply to the request that was sent with `id`, whatever it is. */
  async reply(id: number): Promise<Reply> {
    const frame = await this.when(
      () => this.seen.find((seen) => seen.id === id && !this.#taken.has(seen)),
      `the reply to ${id}`,
    );
    this.#taken.add(frame);
    return frame as unknown as Reply;
  }

  /** Sends a request with a new id and returns the fields of its `ok`. Throws `Refusal`. */
  async request<T>(frame: Frame): Promise<T> {
    const [reply] = await this.all([frame], (text) => text.slice(1, -1));
    if (reply!.type === "error") throw new Refusal(reply!, JSON.stringify(frame));
    return reply as unknown as T;
  }

  /** Sends a request that must be refused with `code`. */
  async refused(code: string, frame: Frame): Promise<ErrorReply> {
    const [reply] = await this.all([frame], (text) => text.slice(1, -1));
    assert(
      reply!.type === "error" && reply!.code === code,
      `Expected ${code}, got ${JSON.stringify(reply)} for ${JSON.stringify(frame).slice(0, 300)}`,
    );
    return reply as ErrorReply;
  }

  /**
   * Sends all these in one message, gives the requests ids, and returns all replies in that order.
   */
  async all(
    frames: readonly Frame[],
    shape?: (text: string) => string,
  ): Promise<readonly Reply[]> {
    const numbered = frames.map((frame) => ({ ...frame, id: frame.id ?? this.id() }));
    const replies = numbered.map((frame) => this.#answerTo(frame));
    this.sendAll(numbered, shape);
    const answers = await Promise.all(replies);
    this.#obeyed();
    return answers;
  }

  /** Waits until `look` returns something other than `undefined` or `false`. */
  async when<T>(look: () => T | undefined | false, what: string, waitMs = patienceMs): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, waitMs);
    try {
      while (true) {
        this.#obeyed();
        const found = look();
        if (found !== undefined && found !== false) return found;
        if (late || this.#isClosed) {
          const why = late ? `Waited ${waitMs} ms for` : "The socket closed while waiting for";
          throw new AssertionError(`${why} ${what}.\n${this.#inbox.lately()}`);
        }
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The first matching push of this type that was not returned before, received already or to come.
   */
  async until<K extends keyof Pushes>(
    type: K,
    fits: (push: Pushes[K]) => boolean = () => true,
    waitMs?: number,
  ): Promise<Pushes[K]> {
    const push = await this.when(
      () => this.pushes(type).find((push) => !this.#taken.has(push) && fits(push)),
      `a "${type}" that fits`,
      waitMs,
    );
    this.#taken.add(push);
    return push;
  }

  /** Everything that came, in order. */
  get seen(): readonly Frame[] {
    return this.#inbox.all;
  }

  /** All pushes of this type so far. */
  pushes<K extends keyof Pushes>(type: K): readonly Pushes[K][] {
    return this.#inbox.pushes(type);
  }

  /** Everything delivered to a subscription so far, in order. */
  delivered(subscription: number): readonly DeliveredAt[] {
    return this.#inbox.delivered(subscription);
  }

  /** Waits until a subscription has been delivered `count` records, and returns all so far. */
  async records(subscription: number, count: number): Promise<readonly DeliveredAt[]> {
    await this.when(
      () => this.delivered(subscription).length >= count,
      `${count} records of subscription ${subscription}`,
    );
    return this.delivered(subscription);
  }

  /**
   * A round trip of a heartbeat: everything that the gateway had to push when it got it has come.
   */
  async beat(): Promise<Pushes["heartbeat"]> {
    const before = this.pushes("heartbeat").length;
    this.send({ type: "heartbeat" });
    return await this.when(() => this.pushes("heartbeat")[before], "the answer to a heartbeat");
  }

  /** Sends heartbeats until one reports this position and end: then nothing more is on its way. */
  async settled(
    subscription: number,
    head: { partition: number; next: number; end: number },
  ): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (true) {
      const named = this.#inbox.head(subscription, head.partition);
      if (named?.next === head.next && named.end === head.end) return;
      assert(
        performance.now() < deadline,
        `No heartbeat names ${JSON.stringify(head)}.\n${this.#inbox.lately()}`,
      );
      await this.beat();
    }
  }

  async publish(
    topic: string,
    records: readonly SentRecord[],
    producer?: Stamp,
  ): Promise<Published> {
    return await this.request({
      type: "publish",
      topic,
      records,
      ...(producer ? { producer } : {}),
    });
  }

  async initProducer(name?: string): Promise<ProducerGiven> {
    return await this.request({ type: "initProducer", ...(name === undefined ? {} : { name }) });
  }

  async subscribe(topic: string, options: Record<string, unknown> = {}): Promise<Subscribed> {
    return await this.request({ type: "subscribe", topic, ...options });
  }

  async join(
    group: string,
    topics: readonly string[],
    options: Record<string, unknown> = {},
  ): Promise<Joined> {
    return await this.request({ type: "join", group, topics, ...options });
  }

  async commit(
    subscription: number,
    offsets: readonly (Position & { readonly metadata?: string })[],
  ): Promise<Committed> {
    return await this.request({ type: "commit", subscription, offsets });
  }

  /** Closes the socket; fails if a rule was broken. */
  async close(): Promise<CloseEvent> {
    if (!this.#isClosed) this.#socket.close();
    const event = await this.closed;
    this.#obeyed();
    return event;
  }

  /** The code that the gateway closed the socket with. */
  async closeCode(): Promise<number> {
    const timer = setTimeout(() => this.#socket.close(), 15_000);
    const { code } = await this.closed;
    clearTimeout(timer);
    this.#obeyed();
    return code;
  }

  /** As `close`; a broken rule that has failed the test already is not reported again. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.#socket.close();
    await this.closed;
    if (!this.#told) this.#obeyed();
  }

  #answerTo(request: Frame): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const failed = (why: string): void =>
        reject(new AssertionError(`${why} ${request.type}.\n${this.#inbox.lately()}`));
      if (this.#isClosed) return failed("The socket was closed before");
      const timer = setTimeout(() => failed("No reply in time to"), patienceMs);
      this.#replies.set(request.id!, (reply) => {
        clearTimeout(timer);
        this.#replies.delete(request.id!);
        if (reply) resolve(reply);
        else failed("The socket closed before the reply to");
      });
    });
  }

  #take(frame: Frame, options: ClientOptions): void {
    this.#inbox.take(frame);
    if (frame.type === "ping" && options.answersPings !== false) this.send({ type: "heartbeat" });
    options.onPush?.(this, frame);
    if (frame.id !== undefined) this.#replies.get(frame.id)?.(frame as unknown as Reply);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #obeyed(): void {
    const { violations } = this.#rules;
    this.#told = violations.length > 0;
    assert(violations.length === 0, `The gateway broke a rule:\n${violations.join("\n")}`);
  }
}

/** The frames in a text, if it has any. */
function framesIn(text: string): readonly Frame[] {
  try {
    const parsed: unknown = JSON.parse(text);
    const all = Array.isArray(parsed) ? parsed : [parsed];
    return all.filter((frame) => typeof frame === "object" && frame !== null);
  } catch {
    return [];
  }
}
