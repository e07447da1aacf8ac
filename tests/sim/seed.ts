/**
 * One seed: a gateway in a faulty world, with clients that publish, follow and consume; it is killed
 * and started again, connections are cut, the store's link does what links do. Then the world heals,
 * and what everybody saw is held against what is in the log.
 */

import type { Gateway } from "../../src/gateway.ts";
import { Consumer, Follower, Publisher } from "./clients.ts";
import type { SimClient, Site } from "./client.ts";
import type { FaultyStore, Odds } from "./fault_store.ts";
import { GatewaySite, PARTITIONS } from "./gateway_site.ts";
import { History } from "./history.ts";
import { World } from "./world.ts";

/** How long faults strike, and how long the world then has to heal, in virtual milliseconds. */
const FAULTY_MS = 15_000;
const HEALING_MS = 25_000;
const TOPICS = ["a", "b"];

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly hash: number;
  /** How often what happened. */
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: Readonly<Odds>;
  readonly trace: readonly string[];
}

export async function runSeed(seed: number, gateways = 1): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world, gateways);
  run.begin();
  await world.run(FAULTY_MS);
  run.heal();
  await world.run(FAULTY_MS + HEALING_MS);
  await run.end();
  const { history, store, place: { kills, cutOffs, losses }, cuts } = run;
  const { publishes, commits, assignments, violations } = history;
  return {
    seed,
    violations,
    hash: world.hash,
    counts: { publishes, commits, assignments, kills, cuts, cutOffs, losses },
    faults: store.struck,
    trace: world.recent,
  };
}

class Run implements Site {
  readonly world: World;
  readonly history: History;
  readonly place: GatewaySite;
  readonly #publishers: Publisher[];
  readonly #consumers: Consumer[];
  readonly #others: SimClient[];
  cuts = 0;

  constructor(world: World, gateways: number) {
    this.world = world;
    this.history = new History(world);
    const { history } = this;
    this.place = new GatewaySite(world, (message) => history.violation(message), gateways);
    this.#publishers = ["p", "q", "r"].map((name) => new Publisher(this, name, TOPICS, history));
    const join = { type: "join", group: "g", topics: TOPICS, revokeTimeoutMs: 1_000 };
    this.#consumers = [
      new Consumer(this, join, history),
      new Consumer(this, join, history),
      new Consumer(this, { ...join, instance: "i", sessionTimeoutMs: 2_000 }, history),
    ];
    this.#others = [new Follower(this, "a", history)];
  }

  get store(): FaultyStore {
    return this.place.store;
  }

  gateway(): Gateway | undefined {
    return this.place.gateway();
  }

  begin(): void {
    this.place.begin();
    for (const client of this.#clients()) client.start();
    this.#strike();
  }

  heal(): void {
    for (const publisher of this.#publishers) publisher.finish();
    this.place.heal();
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
    for (const client of this.#clients()) client.stop();
    const log = new Map<string, string>();
    for (const { topic, partition, offset, value } of await this.place.readAll(TOPICS)) {
      log.set(`${topic}/${partition}/${offset}`, String(value));
    }
    history.check(log);
  }

  #clients(): SimClient[] {
    return [...this.#publishers, ...this.#consumers, ...this.#others];
  }

  #strike(): void {
    const { world } = this;
    if (this.place.isHealthy) return;
    if (world.chance(0.12)) {
      this.place.kill();
      if (!this.place.isShared) { for (const client of this.#clients()) client.cut(); }
    } else if (this.place.isShared && world.chance(0.15)) {
      if (world.chance(0.3)) this.place.drain();
      else this.place.cutOff();
    } else if (world.chance(0.5)) {
      this.cuts++;
      world.pick(this.#clients()).cut();
    }
    world.after(world.between(200, 1_200), () => this.#strike());
  }
}
