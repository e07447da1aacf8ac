/**
 * A subject whose grants change now and then, beside others who publish to all keys of all topics.
 * Everything that it is sent is looked at:
 *
 * 1. No frame, event or answer has anything of a record that its token of that moment does not
 *    cover.
 * 2. A request is `forbidden` if and only if its grants do not cover it.
 * 3. Of each subscription, membership and event stream every record of its keys comes, in order, and
 *    once; and in the end all that it may read, from the start.
 *
 * `transcript` is to be compared with that of another run, where others keep something else under
 * the keys that it may not read.
 */

import { assert, assertEquals } from "@std/assert";
import type { Frame, Place, Position, SentRecord, Subscribed } from "../../support/frames.ts";
import type { Grants } from "../../support/token.ts";
import { Following, Stream, type Wish } from "./following.ts";
import { covers, mayDescribe, mayJoin, mayPublish, mayRead } from "./grants.ts";
import { type Foreign, Ledger } from "./ledger.ts";
import { type Fields, type Operation, TOPICS } from "./operations.ts";
import { type Peer, Site } from "./site.ts";

const GROUP = "g";
const ULID = /[0-9A-HJKMNP-TV-Z]{26}/g;

type Doing = { readonly [Kind in keyof Fields]: (fields: Fields[Kind]) => Promise<unknown> };

export class Onlooker {
  readonly #tokens: readonly Grants[];
  readonly #site: Site;
  readonly #ledger: Ledger;
  readonly #transcript: string[] = [];
  /** In the order in which they came: they differ from run to run. */
  readonly #ulids: string[] = [];
  #peer: Peer;
  #token = 0;
  #grants: Grants;
  readonly #asked = new Map<number, Frame>();
  readonly #subscriptions = new Map<number, Following>();
  readonly #members = new Map<number, Following>();
  #streams: Stream[] = [];
  /** By topic: what resumes its last subscription, and its last stream. */
  readonly #leftOff = new Map<string, unknown>();
  readonly #lastIds = new Map<string, string>();

  private constructor(tokens: readonly Grants[], foreign: Foreign) {
    this.#tokens = tokens;
    this.#grants = tokens[0] as Grants;
    this.#ledger = new Ledger(tokens, foreign);
    this.#site = new Site(tokens);
    this.#peer = this.#site.connect();
  }

  /** All that the subject got, while this happened. */
  static async transcript(
    tokens: readonly Grants[],
    operations: readonly Operation[],
    foreign: Foreign,
  ): Promise<readonly string[]> {
    const onlooker = new Onlooker(tokens, foreign);
    await onlooker.#site.start();
    try {
      for (const topic of TOPICS) await onlooker.#make(topic, 3);
      await onlooker.#ask({ type: "hello", token: "0" });
      for (const operation of operations) await onlooker.#do(operation);
      await onlooker.#readAll();
    } finally {
      for (const stream of onlooker.#streams) await stream.close();
      await onlooker.#site.close();
    }
    return onlooker.#transcript;
  }

  async #do([kind, fields]: Operation): Promise<void> {
    await (this.#doing[kind] as (fields: unknown) => Promise<unknown>)(fields);
    await this.#site.tick();
    this.#lookAround();
  }

  readonly #doing: Doing = {
    othersPublish: async ({ topic, items }) => {
      const records = this.#ledger.others(topic, items);
      const reply = await this.#site.askOthers({ type: "publish", topic, records });
      this.#ledger.stored(topic, records, reply["offsets"] as Place[]);
    },
    subscribe: async ({ topic, keys, from, credit, onSlow }) => {
      const begin = { from: this.#beginning(topic, from), credit: { records: credit }, onSlow };
      const frame = { type: "subscribe", topic, ...begin, ...keys ? { keys } : {} };
      // It resumes in a partition that the topic had before it was made again.
      const tolerated = from === "resume" ? "unknown_partition" : "";
      await this.#may(mayRead(this.#grants, topic, keys), frame, tolerated);
    },
    stream: (wish) => this.#open(wish, wish.from),
    seek: async ({ nth, offset }) => {
      const [subscription, { places }] = this.#nth(nth);
      const partitions = places.map(({ topic, partition }) => ({ topic, partition, offset }));
      await this.#ask({ type: "seek", subscription, partitions });
    },
    credit: ({ nth }) => this.#ask({ type: "credit", subscription: this.#nth(nth)[0], records: 3 }),
    unsubscribe: ({ nth }) => this.#ask({ type: "unsubscribe", subscription: this.#nth(nth)[0] }),
    closeStream: async ({ nth }) => {
      await this.#streams.splice(nth % (this.#streams.length || 1), 1)[0]?.close();
    },
    publish: ({ topic, items }) => {
      const records = this.#ledger.own(topic, items);
      const may = mayPublish(this.#grants, topic, items);
      return this.#may(may, { type: "publish", topic, records });
    },
    post: async ({ topic, items }) => {
      const records = this.#ledger.own(topic, items);
      const [status, answer] = await this.#call("POST", `/topics/${topic}/records`, { records });
      assertEquals(status, mayPublish(this.#grants, topic, items) ? 200 : 403, answer);
      if (status === 200) this.#ledger.stored(topic, records, JSON.parse(answer).offsets);
    },
    transact: ({ topics, items }) => {
      const publish = topics.map((topic) => ({ topic, records: this.#ledger.own(topic, items) }));
      const may = topics.every((topic) => mayPublish(this.#grants, topic, items));
      return this.#may(may, { type: "transact", publish });
    },
    read: async ({ topic, partition, offset }) => {
      const path = `/topics/${topic}/partitions/${partition}/records?offset=${offset}`;
      const [status, answer] = await this.#call("GET", path);
      assertEquals(status === 403, !mayRead(this.#grants, topic, undefined), answer);
      if (status !== 200) return;
      const found = JSON.parse(answer).records.map((record: Position) => record.offset);
      const { incarnation } = this.#ledger.topic(topic);
      const all = this.#ledger.offsets({ incarnation, partition }, undefined, [offset, Infinity]);
      assertEquals(found, all);
    },
    describe: async ({ topic }) => {
      const [status] = await this.#call("GET", `/topics/${topic}`);
      assertEquals(status, mayDescribe(this.#grants, topic) ? 200 : 403);
    },
    lists: async () => {
      for (const path of ["/topics", "/groups", `/groups/${GROUP}`]) {
        assertEquals((await this.#call("GET", path))[0], 403);
      }
    },
    join: ({ topics }) =>
      this.#may(mayJoin(this.#grants, GROUP, topics), { type: "join", group: GROUP, topics }),
    othersJoin: () =>
      this.#site.askOthers({ type: "join", group: GROUP, topics: ["open", "scoped"] }),
    commit: () => {
      const [subscription, { places }] = this.#member;
      const offsets = places.map(({ topic, partition, next }) => ({
        topic,
        partition,
        offset: next,
      }));
      return this.#ask({ type: "commit", subscription, offsets });
    },
    leave: () => this.#ask({ type: "leave", subscription: this.#member[0] }),
    heartbeat: () => this.#ask({ type: "heartbeat" }),
    reconnect: async () => {
      this.#site.disconnect(this.#peer);
      this.#peer = this.#site.connect();
      this.#asked.clear();
      for (const subscription of this.#all.keys()) this.#over(subscription);
      await this.#ask({ type: "hello", token: `${this.#token}` });
    },
    renew: async ({ token }) => {
      this.#token = token;
      await this.#ask({ type: "auth", token: `${token}` });
      for (const { places, keys } of this.#all.values()) {
        for (const { topic } of places) assert(mayRead(this.#grants, topic, keys), "it has ended");
      }
    },
    makeAgain: async ({ topic, partitions }) => {
      await this.#site.removeTopic(topic);
      await this.#make(topic, partitions);
    },
  };

  /** In the end, all that it may read, from the start; and what is left of all that it follows. */
  async #readAll(): Promise<void> {
    for (const topic of TOPICS) {
      const keys = mayRead(this.#grants, topic, undefined) ? undefined : ["me"];
      if (!mayRead(this.#grants, topic, keys)) continue;
      const all = { topic, keys, from: "earliest" } as const;
      await this.#do(["subscribe", { ...all, credit: 500, onSlow: "block" }]);
      await this.#do(["stream", all]);
    }
    const followed = this.#all;
    for (const [subscription] of followed) {
      await this.#ask({ type: "credit", subscription, records: 100_000 });
    }
    await this.#ask({ type: "heartbeat" });
    await this.#site.tick();
    this.#lookAround();
    for (const [, following] of followed) following.assertNothingMissed();
    for (const stream of this.#streams) stream.assertNothingMissed();
  }

  async #make(topic: string, partitions: number): Promise<void> {
    this.#ledger.made(topic, await this.#site.makeTopic(topic, partitions), partitions);
  }

  /** Asks for what it may do, or may not. */
  async #may(may: boolean, frame: Frame, tolerated = ""): Promise<void> {
    const reply = await this.#ask(frame);
    const outcome = reply.type === "ok" ? "ok" : reply["code"];
    if (outcome !== tolerated) {
      assertEquals(outcome, may ? "ok" : "forbidden", JSON.stringify([frame, reply, this.#grants]));
    }
  }

  async #ask(frame: Frame): Promise<Frame> {
    const request = this.#peer.request(frame);
    this.#asked.set(request.id, request);
    const reply = await this.#site.reply(this.#peer, request);
    if (reply.type === "ok") this.#stored(frame, reply);
    this.#lookAround();
    return reply;
  }

  /** Before what came is looked at: its own records may come before the reply to their publish. */
  #stored({ type, topic, records, publish }: Frame, { offsets }: Frame): void {
    if (type === "publish") {
      this.#ledger.stored(topic as string, records as SentRecord[], offsets as Place[]);
    } else if (type === "transact") {
      const parts = publish as { topic: string; records: SentRecord[] }[];
      for (const [i, { topic, records }] of parts.entries()) {
        this.#ledger.stored(topic, records, (offsets as Place[][])[i] as Place[]);
      }
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<[number, string]> {
    const response = await this.#site.fetch(`${this.#token}`, method, path, body);
    const answer = await response.text();
    this.#saw(`${method} ${path}: ${response.status} ${answer}`, this.#grants);
    return [response.status, answer];
  }

  /** Opens an event stream, or resumes the last one of the topic. */
  async #open(wish: Wish, from: "latest" | "earliest" | "resume"): Promise<void> {
    const { topic, keys } = wish;
    const query = new URLSearchParams(keys?.map((key) => ["key", key]));
    query.set("from", from === "resume" ? this.#lastIds.get(topic) ?? "earliest" : from);
    const path = `/topics/${topic}/events?${query}`;
    const response = await this.#site.fetch(`${this.#token}`, "GET", path);
    assertEquals(response.status === 403, !mayRead(this.#grants, topic, keys));
    if (response.status === 200) {
      this.#streams.push(new Stream(response, wish, this.#grants, this.#ledger));
    } else {
      this.#saw(`GET ${path}: ${response.status} ${await response.text()}`, this.#grants);
    }
  }

  #beginning(topic: string, from: Fields["subscribe"]["from"]): unknown {
    if (from === "time") return { timestamp: this.#site.nowMs - 300 };
    if (from === "latest" || from === "earliest") return from;
    const { incarnation, partitions } = this.#ledger.topic(topic);
    const offset = typeof from === "number" ? from : 0;
    const positions = Array.from({ length: partitions }, (_, partition) => ({ partition, offset }));
    const given = { positions, incarnation };
    return from === "resume" ? this.#leftOff.get(topic) ?? given : given;
  }

  get #all(): Map<number, Following> {
    return new Map([...this.#subscriptions, ...this.#members]);
  }

  #nth(nth: number): readonly [number, Following] {
    const all = [...this.#all];
    return all[nth % all.length] ?? [1, new Following(this.#ledger, undefined)];
  }

  get #member(): readonly [number, Following] {
    return [...this.#members][0] ?? [1, new Following(this.#ledger, undefined)];
  }

  /** Looks at everything that has come. */
  #lookAround(): void {
    for (const frame of this.#peer.inbox.splice(0)) {
      this.#saw(JSON.stringify(frame), this.#grants);
      const request = frame.id === undefined ? undefined : this.#asked.get(frame.id);
      if (!request) this.#pushed(frame);
      else if (frame.type === "ok") this.#answered(request, frame);
    }
    for (const stream of this.#streams) {
      for (const event of stream.take()) {
        this.#saw(JSON.stringify(event), stream.grants);
        stream.heard(event);
        if (event["id"] !== undefined) this.#lastIds.set(stream.topic, event["id"]);
      }
    }
    this.#streams = this.#streams.filter(({ ended }) => !ended);
  }

  #answered(request: Frame, reply: Frame): void {
    const given = request["subscription"] as number;
    if (request.type === "hello" || request.type === "auth") {
      this.#grants = this.#tokens[Number(request["token"])] as Grants;
    } else if (request.type === "subscribe") {
      const { subscription, positions, incarnation } = reply as unknown as Subscribed;
      const keys = request["keys"] as readonly string[] | undefined;
      const following = new Following(this.#ledger, keys);
      for (const { topic, partition, offset } of positions) {
        following.begin({ topic, partition, incarnation, next: offset });
      }
      this.#subscriptions.set(subscription, following);
    } else if (request.type === "join") {
      this.#members.set(reply["subscription"] as number, new Following(this.#ledger, undefined));
    } else if (request.type === "seek") {
      for (const { topic, partition, offset } of request["partitions"] as Position[]) {
        this.#all.get(given)?.move(topic, partition, offset);
      }
    } else if (request.type === "unsubscribe" || request.type === "leave") {
      this.#over(given);
    }
  }

  #pushed(frame: Frame): void {
    const subscription = frame["subscription"] as number;
    if (frame.type === "end") return this.#over(subscription);
    if (frame.type === "heartbeat") return;
    const following = this.#all.get(subscription);
    assert(following, `this belongs to nothing: ${JSON.stringify(frame)}`);
    following.pushed(frame);
  }

  #over(subscription: number): void {
    const { places = [] } = this.#subscriptions.get(subscription) ?? {};
    const [first] = places;
    if (first) {
      const positions = places.map(({ partition, next }) => ({ partition, offset: next }));
      this.#leftOff.set(first.topic, { positions, incarnation: first.incarnation });
    }
    this.#subscriptions.delete(subscription);
    this.#members.delete(subscription);
  }

  /** A text has come: it has nothing of a record that these grants do not cover. */
  #saw(text: string, { subscribe }: Grants): void {
    for (const [topic, key] of this.#ledger.recordsIn(text)) {
      assert(covers(subscribe, topic, key), `this shows ${key} of ${topic}: ${text.slice(0, 500)}`);
    }
    this.#transcript.push(text.replaceAll(ULID, (ulid) => {
      if (!this.#ulids.includes(ulid)) this.#ulids.push(ulid);
      return `ULID ${this.#ulids.indexOf(ulid)}`;
    }));
  }
}
