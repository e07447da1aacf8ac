/** A gateway that sends what a test tells it to, on a clock that the test moves. */

import { assert } from "@std/assert";
import { ulid } from "ulid";
import {
  type Client,
  connect,
  type ConnectOptions,
  type Consumer,
  type Platform,
  type SocketEvents,
  type SubscribeOptions,
  type Subscription,
} from "../../src/client/mod.ts";

export type Frame = Record<string, unknown> & { type: string; id?: number };

/** What it sends as its answer to `hello`. */
export const limits = {
  messageBytes: 1_048_576,
  recordBytes: 262_144,
  publishRecords: 1_000,
  publishBytes: 524_288,
  publishPartitions: 128,
  commitOffsets: 900,
  inFlight: 1_024,
  subscriptions: 128,
};

/** The time of its clock when the client's is 0. */
const CLOCK_MS = 1_700_000_000_000;

/** Enough turns to finish everything that does not wait for a timer. */
const TURNS = 60;

export class ScriptedGateway {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];
  #heard: string[] = [];
  #socket: SocketEvents | undefined;
  /** How many sockets were opened. */
  opened = 0;
  readonly client: Client;

  private constructor(options: ConnectOptions = {}) {
    const platform: Platform = {
      now: () => this.#now,
      random: () => 0.5,
      after: (ms, run) => {
        const timer = { at: this.#now + ms, run };
        this.#timers.push(timer);
        return () => this.#timers = this.#timers.filter((other) => other !== timer);
      },
      open: (_url, events) => {
        this.#socket = events;
        this.opened++;
        return { send: (text) => this.#heard.push(text), drop() {} };
      },
      onWake: () => () => {},
      onUnload: () => () => {},
    };
    this.client = connect("http://gateway/", { ...options, platform });
  }

  /** A gateway whose client has no answer to `hello` yet. */
  static silent(options?: ConnectOptions): ScriptedGateway {
    return new ScriptedGateway(options);
  }

  /** A gateway whose client is connected. */
  static async open(): Promise<ScriptedGateway> {
    const gateway = new ScriptedGateway();
    await gateway.greet();
    return gateway;
  }

  /** The number of the client's timers. */
  get timers(): number {
    return this.#timers.length;
  }

  /** The time of its own clock. */
  get clock(): number {
    return CLOCK_MS + this.#now;
  }

  /** Answers the client's `hello`, and returns it. */
  async greet(further: Record<string, unknown> = {}): Promise<Frame> {
    const hello = await this.hello();
    await this.ok(hello, {
      session: ulid(this.clock),
      server: "scripted",
      heartbeatMs: 15_000,
      sessionTimeoutMs: 45_000,
      limits,
      ...further,
    });
    return hello;
  }

  /** Opens the socket, and returns the client's `hello`. */
  async hello(): Promise<Frame> {
    this.#socket?.opened();
    await this.turn();
    return this.expect("hello");
  }

  /** The frames that were received since the last call. */
  take(): Frame[] {
    return this.#heard.splice(0).flatMap((text) => JSON.parse(text));
  }

  /** The only frame of this type among those; the others are dropped. */
  expect(type: string): Frame {
    const frame = this.take().find((frame) => frame.type === type);
    assert(frame, `No ${type} came`);
    return frame;
  }

  async say(type: string, members: Record<string, unknown>): Promise<void> {
    this.#socket?.message(JSON.stringify({ type, ...members }));
    await this.turn();
  }

  async ok(request: Frame, members: Record<string, unknown> = {}): Promise<void> {
    await this.say("ok", { id: request.id, ...members });
  }

  async refuse(request: Frame, code: string, retry = "never"): Promise<void> {
    const error = { code, message: `It is ${code}`, retry, effect: "none" };
    await this.say("error", { id: request.id, ...error });
  }

  async records(partition: number, from: number, to: number): Promise<void> {
    const records = Array.from({ length: to - from }, (_, i) => ({
      offset: from + i,
      timestamp: 0,
      value: from + i,
    }));
    await this.say("records", {
      subscription: 1,
      topic: "t",
      partition,
      next: to,
      bytes: 10,
      records,
    });
  }

  /** Cuts the connection, and lets the client reconnect. */
  async cut(): Promise<void> {
    this.#socket?.closed(1006, "");
    await this.advance(3_000);
    await this.greet();
  }

  async turn(): Promise<void> {
    for (let i = 0; i < TURNS; i++) await Promise.resolve();
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      this.#timers.sort((a, b) => a.at - b.at);
      const [timer] = this.#timers;
      if (!timer || timer.at > end) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
      await this.turn();
    }
    this.#now = end;
    await this.turn();
  }

  closeSocket(code = 1006, reason = ""): void {
    this.#socket?.closed(code, reason);
  }
}

/** A partition as `assign` has it. */
export function assigned(partition: number, offset = 0) {
  return { topic: "t", partition, offset, incarnation: "i" };
}

/** The outcome of a promise so far. */
export function outcomeOf(promise: Promise<unknown>): { now: string } {
  const outcome = { now: "pending" };
  promise.then(
    () => outcome.now = "done",
    (error) => outcome.now = [error.code ?? error.name, error.effect].filter(Boolean).join(" "),
  );
  return outcome;
}

/** A subscription that is established at the start of partition 0. */
export async function subscribed(
  gateway: ScriptedGateway,
  options: SubscribeOptions = {},
): Promise<Subscription<number>> {
  const subscription = gateway.client.subscribe<number>("t", { from: "earliest", ...options });
  await gateway.turn();
  await stands(gateway, gateway.expect("subscribe"), 0);
  return subscription;
}

/** Establishes the subscription at this offset of partition 0. */
export async function stands(
  gateway: ScriptedGateway,
  request: Frame,
  offset: number,
  reset?: string,
): Promise<void> {
  const positions = [{ topic: "t", partition: 0, offset, ...reset && { reset } }];
  const recovered = reset === undefined;
  await gateway.ok(request, { subscription: 1, positions, incarnation: "i", recovered });
}

/** Establishes the subscription in a topic that was created again, in these partitions. */
export async function standsAnew(
  gateway: ScriptedGateway,
  request: Frame,
  partitions: readonly number[],
  subscription: number,
  reset?: string,
): Promise<void> {
  const positions = partitions.map((partition) => ({
    topic: "t",
    partition,
    offset: 0,
    ...reset && { reset },
  }));
  const recovered = reset === undefined;
  await gateway.ok(request, { subscription, positions, incarnation: "j", recovered });
}

/** Lets the consumer join, and assigns it these partitions. */
export async function joined(gateway: ScriptedGateway, partitions = [assigned(0)]): Promise<void> {
  await gateway.ok(gateway.expect("join"), { subscription: 1, member: "m", epoch: 1 });
  await gateway.say("assign", { subscription: 1, epoch: 1, partitions });
}

/** Reads records, and stops at each until `go` is called, as long as `holds`. */
export function reading(from: Consumer<number> | Subscription<number>) {
  const read = { seen: [] as number[], go: () => {}, holds: true };
  (async () => {
    for await (const { offset } of from) {
      read.seen.push(offset);
      if (read.holds) await new Promise<void>((resolve) => read.go = resolve);
    }
  })();
  return read;
}
