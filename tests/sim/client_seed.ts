/**
 * One seed of the client in a faulty world: applications on phones publish, follow, consume and pass
 * on what they consume, through the client as everybody uses it, while connections are cut or go
 * silent, phones freeze and wake, the gateway is killed or drained and its store fails. Then the world
 * heals, and what the applications were told is held against what is in the log.
 */

import type { Client } from "../../src/client/mod.ts";
import { Device } from "./device.ts";
import { GatewaySite, PARTITIONS } from "./gateway_site.ts";
import { connectFrom, type Fleet, Follower, Passer, Producing, Worker } from "./apps.ts";
import { Ledger } from "./ledger.ts";
import type { Outcome } from "./seed.ts";
import { World } from "./world.ts";

const FAULTY_MS = 20_000;
const HEALING_MS = 40_000;
const TOPICS = ["a", "b"];
export const PASSED_ON = "out";

export async function runClientSeed(seed: number, gateways = 1): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world, gateways);
  run.begin();
  await world.run(FAULTY_MS);
  run.heal();
  await world.run(FAULTY_MS + HEALING_MS);
  await run.end();
  const { ledger, site, counts } = run;
  return {
    seed,
    violations: ledger.violations,
    hash: world.hash,
    counts: {
      ...counts,
      ...ledger.counts,
      kills: site.kills,
      cutOffs: site.cutOffs,
      losses: site.losses,
    },
    faults: site.store.struck,
    trace: world.recent,
  };
}

class Run implements Fleet {
  readonly world: World;
  readonly ledger: Ledger;
  readonly site: GatewaySite;
  readonly counts = { cuts: 0, silences: 0, freezes: 0, wakes: 0, drains: 0 };
  readonly #devices: Device[] = [];
  readonly #clients: Client[] = [];
  readonly #producing: Producing[];
  readonly #followers: Follower[];
  readonly #workers: Worker[];
  readonly #passers: Passer[];

  constructor(world: World, gateways: number) {
    this.world = world;
    this.ledger = new Ledger(world);
    this.site = new GatewaySite(world, (message) => this.ledger.violation(message), gateways);
    const { ledger } = this;
    this.#producing = ["p", "q"].map((name) =>
      new Producing(this, this.#connect(), { name, topics: TOPICS, idempotent: true })
    );
    this.#producing.push(
      new Producing(this, this.#connect(), { name: "r", topics: TOPICS, idempotent: false }),
    );
    this.#followers = TOPICS.map((topic) => new Follower(this, this.#connect(), topic));
    this.#workers = [undefined, undefined, false as const].map((instance) =>
      new Worker(this, this.#connect(), { group: "g", topics: TOPICS, instance })
    );
    this.#passers = [1, 2].map(() =>
      new Passer(this, this.#connect(), { group: "h", topic: "a", into: PASSED_ON })
    );
    ledger.topics = TOPICS;
  }

  begin(): void {
    this.site.begin();
    for (const app of this.#apps()) app.start();
    this.#strike();
  }

  heal(): void {
    for (const producing of this.#producing) producing.finish();
    this.site.heal();
    // Whoever is cut off and does not know it finds out by itself.
  }

  async end(): Promise<void> {
    const { ledger, world } = this;
    for (const producing of this.#producing) {
      if (!producing.isQuiet) {
        ledger.violation(`${producing.name} waits for an answer, though all is well`);
      }
    }
    for (const client of this.#clients) client.close();
    await world.run(world.now + 8_000);
    for (const app of this.#apps()) {
      if (!app.hasEnded) ledger.violation(`${app.name} hangs after its client was closed`);
    }
    ledger.check(await this.site.readAll([...TOPICS, PASSED_ON]), PASSED_ON);
    for (const follower of this.#followers) follower.check();
    ledger.checkDealtWith(this.#workers.map(({ dealt }) => dealt), PARTITIONS);
  }

  #connect(): Client {
    const device = new Device(this.world, () => this.site.gateway());
    this.#devices.push(device);
    const client = connectFrom(device);
    this.#clients.push(client);
    return client;
  }

  #apps() {
    return [...this.#producing, ...this.#followers, ...this.#workers, ...this.#passers];
  }

  #strike(): void {
    const { world, site, counts } = this;
    if (site.isHealthy) return;
    const device = world.pick(this.#devices);
    const what = world.random();
    if (what < 0.08) {
      site.kill();
      if (!site.isShared) { for (const other of this.#devices) other.cut(); }
    } else if (site.isShared && world.chance(0.1)) {
      site.cutOff();
    } else if (what < 0.12) {
      counts.drains++;
      site.drain();
    } else if (what < 0.5) {
      counts.cuts++;
      device.cut();
    } else if (what < 0.6) {
      counts.silences++;
      device.silence();
      if (world.chance(0.5)) world.after(world.between(0, 3_000), () => device.wake());
    } else if (what < 0.75) {
      counts.freezes++;
      device.freeze(world.between(10, 6_000));
      if (world.chance(0.7)) world.after(world.between(0, 7_000), () => device.wake());
    } else if (what < 0.85) {
      counts.wakes++;
      device.wake();
    }
    world.after(world.between(50, 500), () => this.#strike());
  }
}
