/**
 * One seed: a gateway in a faulty world, with clients that publish, follow and consume; it is killed
 * and started again, connections are cut, the store's link does what links do. Then the world heals,
 * and what everybody saw is held against what is in the log.
 */

import { Gateway } from "../../src/gateway.ts";
import type { Settings } from "../../src/config.ts";
import { RecordCursor } from "../../src/log/record.ts";
import { Consumer, Follower, Publisher } from "./clients.ts";
import type { SimClient, Site } from "./client.ts";
import { type Fault, FAULTS, FaultyStore, type Odds } from "./fault_store.ts";
import { History } from "./history.ts";
import { World } from "./world.ts";

/** How long faults strike, and how long the world then has to heal, in virtual milliseconds. */
const FAULTY_MS = 15_000;
const HEALING_MS = 25_000;
const TICK_MS = 50;
const MIX_MS = 2_500;
const TOPICS = ["a", "b"];
const PARTITIONS = 3;

const SETTINGS: Settings = {
  host: "127.0.0.1",
  port: 0,
  store: ":memory:",
  autoPartitions: PARTITIONS,
  heartbeatMs: 1_000,
  sessionTimeoutMs: 3_000,
  drainMs: 1_000,
  open: false,
  origins: [],
};

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly hash: number;
  readonly publishes: number;
  readonly commits: number;
  readonly assignments: number;
  readonly kills: number;
  readonly cuts: number;
  readonly faults: Readonly<Odds>;
  readonly trace: readonly string[];
}

export async function runSeed(seed: number): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world);
  run.begin();
  await world.run(FAULTY_MS);
  run.heal();
  await world.run(FAULTY_MS + HEALING_MS);
  await run.end();
  const { history, store, kills, cuts } = run;
  const { publishes, commits, assignments, violations } = history;
  return {
    seed,
    violations,
    hash: world.hash,
    publishes,
    commits,
    assignments,
    kills,
    cuts,
    faults: store.struck,
    trace: world.recent,
  };
}

class Run implements Site {
  readonly world: World;
  readonly store: FaultyStore;
  readonly history: History;
  readonly #publishers: Publisher[];
  readonly #consumers: Consumer[];
  readonly #others: SimClient[];
  #up: { gateway: Gateway; dead: boolean } | undefined;
  #healthy = false;
  kills = 0;
  cuts = 0;

  constructor(world: World) {
    this.world = world;
    this.store = new FaultyStore(world);
    this.history = new History(world);
    const { history } = this;
    this.#publishers = ["p", "q", "r"].map((name) => new Publisher(this, name, TOPICS, history));
    const join = { type: "join", group: "g", topics: TOPICS, revokeTimeoutMs: 1_000 };
    this.#consumers = [
      new Consumer(this, join, history),
      new Consumer(this, join, history),
      new Consumer(this, { ...join, instance: "i", sessionTimeoutMs: 2_000 }, history),
    ];
    this.#others = [new Follower(this, "a", history)];
  }

  gateway(): Gateway | undefined {
    return this.#up?.gateway;
  }

  begin(): void {
    this.#start();
    for (const client of this.#clients()) client.start();
    this.#mixFaults();
    this.#strike();
    this.#tick();
  }

  heal(): void {
    this.#healthy = true;
    this.store.odds = { ...FAULTS };
    for (const publisher of this.#publishers) publisher.finish();
    if (!this.#up) this.#start();
  }

  /** Everything must have come right by now. */
  async end(): Promise<void> {
    const { history } = this;
    for (const publisher of this.#publishers) {
      if (!publisher.isQuiet) history.violation("a publish is never answered, though all is well");
    }
    const owned = this.#consumers.flatMap((consumer) => consumer.owned).sort();
    const all = TOPICS.flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => `${topic}/${partition}`)
    );
    if (owned.join() !== all.join()) {
      history.violation(`owned in the end: ${owned.join(" ")}, not each of ${all.join(" ")} once`);
    }
    for (const consumer of this.#consumers) {
      if (consumer.owned.length !== all.length / this.#consumers.length) {
        history.violation(`a consumer owns ${consumer.owned.length} of ${all.length} in the end`);
      }
    }
    history.check(await this.#readAll());
  }

  #clients(): SimClient[] {
    return [...this.#publishers, ...this.#consumers, ...this.#others];
  }

  #start(): void {
    const process = { dead: false };
    const isDead = () => process.dead;
    const report = (message: string) => this.history.violation(message);
    const host = this.world.host(isDead, report);
    const store = this.store.link(isDead);
    const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir sim" });
    this.#up = Object.assign(process, { gateway });
    gateway.start().catch((error) => {
      if (!process.dead) this.world.trace(`takes up later: ${error}`);
    });
    this.world.trace("a gateway starts");
  }

  /** As SIGKILL: it does nothing any more, and what it has sent may still arrive. */
  #kill(): void {
    if (!this.#up) return;
    this.#up.dead = true;
    this.#up = undefined;
    this.kills++;
    this.world.trace("the gateway is killed");
    for (const client of this.#clients()) client.cut();
    this.world.after(this.world.between(10, 1_500), () => this.#up ?? this.#start());
  }

  #tick(): void {
    this.#up?.gateway.tick();
    this.world.after(TICK_MS, () => this.#tick());
  }

  /** Another mix of faults every few seconds, none at all among them. */
  #mixFaults(): void {
    if (this.#healthy) return;
    const { world, store } = this;
    const names = Object.keys(FAULTS) as Fault[];
    const odds = { ...FAULTS };
    if (!world.chance(0.2)) {
      for (const name of names) if (world.chance(0.4)) odds[name] = world.between(0, 0.06);
    }
    store.odds = odds;
    world.after(MIX_MS, () => this.#mixFaults());
  }

  #strike(): void {
    const { world } = this;
    if (this.#healthy) return;
    if (world.chance(0.12)) {
      this.#kill();
    } else if (world.chance(0.5)) {
      this.cuts++;
      world.pick(this.#clients()).cut();
    }
    world.after(world.between(200, 1_200), () => this.#strike());
  }

  /** `topic/partition/offset` → value, of the whole log, through a gateway that has seen nothing. */
  async #readAll(): Promise<Map<string, string>> {
    for (const client of this.#clients()) client.stop();
    this.#kill();
    this.#start();
    const found = new Map<string, string>();
    const log = this.#up?.gateway.log;
    const reading = (async () => {
      for (const name of TOPICS) {
        const topic = await log?.topics.find(name);
        if (!topic || !log) continue;
        for (let partition = 0; partition < topic.partitions; partition++) {
          const { next } = await log.bounds(topic, partition);
          for (let at = 0; at < next;) {
            const { sections } = await log.read(topic, partition, at, 1 << 20);
            for (const { base, payload, time } of sections) {
              const cursor = new RecordCursor(payload, time);
              for (let offset = base; cursor.next(); offset++) {
                const value = payload.subarray(cursor.valueFrom, cursor.valueTo);
                found.set(`${name}/${partition}/${offset}`, JSON.parse(utf8.decode(value)));
                at = offset + 1;
              }
            }
          }
        }
      }
    })();
    await this.world.run(this.world.now + 10_000);
    await reading;
    return found;
  }
}

const utf8 = new TextDecoder();
