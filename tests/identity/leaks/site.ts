/** A gateway in this process, over the store in memory, without a network: its sockets and its HTTP. */

import { assertEquals } from "@std/assert";
import { Gateway } from "../../../src/gateway.ts";
import { identityOf } from "../../../src/identity/claims.ts";
import { createApp } from "../../../src/server/app.ts";
import { Crowd } from "../../../src/server/crowd.ts";
import { eventRoutes } from "../../../src/server/events.ts";
import { groupRoutes } from "../../../src/server/groups.ts";
import { producerRoutes } from "../../../src/server/producers.ts";
import { recordRoutes } from "../../../src/server/records.ts";
import { topicRoutes } from "../../../src/server/topics.ts";
import { MemoryStore } from "../../../src/store/memory.ts";
import { SETTINGS } from "../../sim/gateway_site.ts";
import type { Frame, RevokePush } from "../../support/frames.ts";
import { SessionRules } from "../../support/session_rules.ts";
import { testHost } from "../../support/test_host.ts";
import type { Grants } from "../../support/token.ts";
import { SUBJECT } from "./grants.ts";

const OTHERS: Grants = { publish: ["*"], subscribe: ["*"], groups: ["*"], admin: true };
const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A socket. It hands over every partition that is revoked. */
export class Peer {
  /** What has come and is not taken yet. */
  readonly inbox: Frame[] = [];
  readonly #rules = new SessionRules();
  readonly #session;
  #revoked: RevokePush[] = [];
  #id = 0;

  constructor(gateway: Gateway) {
    this.#session = gateway.connect({
      send: (message) => {
        const given = typeof message === "string" ? message : text.decode(message);
        for (const frame of this.#rules.received(given)) {
          this.inbox.push(frame);
          if (frame.type === "revoke") this.#revoked.push(frame as unknown as RevokePush);
        }
      },
      close: (code) => this.inbox.push({ type: "closed", code }),
      terminate() {},
      reconsider() {},
      canPause: false,
      buffered: 0,
    });
  }

  /** Sends it with an id. */
  request(frame: Frame): Frame & { readonly id: number } {
    const request = { ...frame, id: ++this.#id };
    this.#send(request);
    return request;
  }

  release(): void {
    for (const { subscription, partitions, lost } of this.#revoked.splice(0)) {
      if (!lost) this.#send({ type: "release", subscription, partitions });
    }
  }

  close(): void {
    this.#session.closed();
    assertEquals(this.#rules.violations, []);
  }

  #send(frame: Frame): void {
    this.#rules.sent(frame);
    this.#session.receive(utf8.encode(JSON.stringify(frame)));
  }
}

export class Site {
  readonly #host = testHost();
  readonly #gateway: Gateway;
  readonly #app: ReturnType<typeof createApp>;
  readonly #peers = new Set<Peer>();
  readonly #others: Peer;

  /** The token of the subject that is called "1" is the second of these. */
  constructor(tokens: readonly Grants[]) {
    const host = this.#host;
    const settings = { ...SETTINGS, heartbeatMs: 3_600_000, sessionTimeoutMs: 7_200_000 };
    const authenticate = (token: string | undefined) => {
      const [sub, weir] = token === "others"
        ? ["others", OTHERS]
        : [SUBJECT, tokens[Number(token)]];
      return Promise.resolve(identityOf({ sub, exp: 2_000_000_000, weir }));
    };
    const store = new MemoryStore();
    this.#gateway = new Gateway({ store, host, settings, server: "weir test", authenticate });
    const { broker, subjects, leaving } = this.#gateway;
    const crowd = new Crowd(host.clock, { sockets: 1_000, strangers: undefined });
    this.#app = createApp({
      rules: { open: true, origins: [] },
      telemetry: host.telemetry,
      authenticate,
      routes: {
        ...topicRoutes(broker),
        ...recordRoutes(broker, subjects),
        ...eventRoutes({ broker, leaving, crowd, subjects }),
        ...producerRoutes(broker, subjects),
        ...groupRoutes(broker),
      },
    });
    this.#others = this.connect();
  }

  get nowMs(): number {
    return this.#host.clock.now();
  }

  async start(): Promise<void> {
    await this.#gateway.start();
    await this.askOthers({ type: "hello", token: "others" });
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.#settled(this.#gateway.close());
  }

  connect(): Peer {
    const peer = new Peer(this.#gateway);
    this.#peers.add(peer);
    return peer;
  }

  disconnect(peer: Peer): void {
    this.#peers.delete(peer);
    peer.close();
  }

  async tick(): Promise<void> {
    await this.#host.clock.advance(50);
    this.#gateway.tick();
    await this.#host.clock.advance(0);
    for (const peer of this.#peers) peer.release();
  }

  /** The reply to a request, which stays in the inbox with what came before it. */
  async reply(peer: Peer, { id, ...frame }: Frame): Promise<Frame> {
    for (let ticks = 0; ticks < 100; ticks++) {
      const reply = peer.inbox.find((came) => came.id === id);
      if (reply) return reply;
      await this.tick();
    }
    throw new Error(`There is no reply to ${JSON.stringify(frame)}`);
  }

  /** A request of others, who may do everything. */
  async askOthers(frame: Frame): Promise<Frame> {
    const reply = await this.reply(this.#others, this.#others.request(frame));
    assertEquals(reply.type, "ok", JSON.stringify(reply));
    this.#others.inbox.length = 0;
    return reply;
  }

  /** Returns its incarnation. */
  async makeTopic(topic: string, partitions: number): Promise<string> {
    const made = await this.#settled(this.#gateway.broker.createTopic(topic, { partitions }));
    return made.topic.id;
  }

  async removeTopic(topic: string): Promise<void> {
    await this.#settled(this.#gateway.broker.removeTopic(topic));
  }

  fetch(token: string, method: string, path: string, body?: unknown): Promise<Response> {
    const headers = {
      "authorization": `Bearer ${token}`,
      "host": "localhost",
      "content-type": "application/json",
    };
    const request = { method, headers, ...body ? { body: JSON.stringify(body) } : {} };
    return this.#settled(this.#app(new Request(`http://localhost/v1${path}`, request)));
  }

  /** Lets time pass until it is settled. */
  async #settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    while (!isSettled) await Promise.race([settled, this.tick()]);
    return await settled;
  }
}
