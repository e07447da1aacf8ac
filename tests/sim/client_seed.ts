/**
 * One seed of the client in a faulty world: applications on phones publish, follow, consume and
 * pass on records through the client, while connections are cut or go silent, phones freeze and
 * wake, and gateways are killed or drained and their store fails. Then the world heals, and what
 * the applications were told is compared with the log.
 */

import type { Client } from "../../src/client/mod.ts";
import { Recorder } from "../checker/recorder.ts";
import { connectFrom, type Fleet, Follower, Passer, Producing, Worker } from "./apps.ts";
import { Device } from "./device.ts";
import { GatewaySite, LONGEST_PAUSE_MS, PARTITIONS, SETTINGS } from "./gateway_site.ts";
import { guarded, judge, noRareThings, type Outcome, recordLog, untilDone } from "./outcome.ts";
import { checkPassedOn } from "./passed_on.ts";
import type { Scenario } from "./scenario.ts";
import type { Violation } from "./site.ts";
import { World } from "./world.ts";

/** Faults last longer here than among bare connections, and phones need longer to come back. */
const LONGER_FAULTY_MS = 5_000;
const LONGER_HEALING_MS = 15_000;
const CLOSING_MS = 8_000;
const FREEZE_MS = 6_000;
/** A wide world lasts longer, so less needs to happen in each second of it. */
const WIDE_SLOWNESS = 6;
const TOPICS = ["a", "b"];
const PASSED_ON = "out";

export async function runClientSeed(seed: number, scenario: Scenario): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world, scenario);
  await guarded(run, async () => {
    run.begin();
    await untilDone(run, scenario.faultyMs + LONGER_FAULTY_MS);
    run.heal();
    await world.run(world.now + scenario.healingMs + LONGER_HEALING_MS);
    await run.end();
  });
  const { site, recorder, faults, counts } = run;
  return judge({ seed, site, recorder, faults, rare: noRareThings(), counts });
}

class Run implements Fleet {
  readonly world: World;
  readonly recorder: Recorder;
  readonly partitions = PARTITIONS;
  readonly site: GatewaySite;
  readonly faults: Violation[] = [];
  readonly counts = { cuts: 0, silences: 0, freezes: 0, wakes: 0, drains: 0 };
  readonly scenario: Scenario;
  readonly #devices: Device[] = [];
  readonly #clients: Client[] = [];
  readonly #producing: Producing[];
  readonly #others: readonly (Follower | Worker | Passer)[];

  constructor(world: World, scenario: Scenario) {
    this.world = world;
    this.scenario = scenario;
    this.recorder = new Recorder(() => world.now, (event) => world.trace(JSON.stringify(event)));
    this.site = new GatewaySite(world, (message) => this.fault("reported", message), scenario);
    const slowness = scenario.wide ? WIDE_SLOWNESS : 1;
    this.#producing = ["p", "q"].map((name) =>
      new Producing(this, this.#connect(), { name, topics: TOPICS, idempotent: true, slowness })
    );
    this.#producing.push(
      new Producing(this, this.#connect(), {
        name: "r",
        topics: TOPICS,
        idempotent: false,
        slowness,
      }),
    );
    const followers = TOPICS.map((topic) =>
      new Follower(this, this.#connect(), `follower of ${topic}`, topic)
    );
    const workers = [undefined, undefined, false as const].map((instance, i) =>
      new Worker(this, this.#connect(), `worker ${i}`, {
        group: "g",
        topics: TOPICS,
        ...instance === false ? { instance } : {},
      })
    );
    const passers = [1, 2].map((i) =>
      new Passer(this, this.#connect(), `passer ${i}`, { group: "h", topic: "a", into: PASSED_ON })
    );
    this.#others = [...followers, ...workers, ...passers];
  }

  /** An arrow function, so that it can be passed on. */
  readonly fault = (kind: string, text: string): void => {
    this.world.trace(`VIOLATION ${kind}: ${text}`);
    this.faults.push({ kind, text });
  };

  begin(): void {
    const overlapMs = 2 * SETTINGS.leaseMs + LONGEST_PAUSE_MS + SETTINGS.sessionTimeoutMs +
      FREEZE_MS;
    // Workers also commit automatically, which is not recorded.
    this.recorder.terms({ overlapMs, groups: ["g", "h"], unrecorded: ["g"] });
    this.site.begin();
    for (const app of this.#apps()) app.start();
    this.#strike();
  }

  heal(): void {
    for (const producing of this.#producing) producing.finish();
    this.site.heal();
    this.recorder.told("run", { f: "healed" });
    // Clients that are cut off without notice must find out by themselves.
  }

  async end(): Promise<void> {
    const { world, recorder } = this;
    for (const client of this.#clients) client.close();
    await world.run(world.now + CLOSING_MS);
    for (const { name, hasEnded } of this.#apps()) {
      if (!hasEnded) this.fault("hangs", `${name} goes on after its client was closed`);
    }
    const log = await this.site.readAll([...TOPICS, PASSED_ON]);
    recordLog(recorder, log);
    for (const { kind, text } of checkPassedOn(log, "a", PASSED_ON)) this.fault(kind, text);
  }

  #connect(): Client {
    const device = new Device(this.world, () => this.site.gateway());
    this.#devices.push(device);
    const client = connectFrom(device);
    this.#clients.push(client);
    return client;
  }

  #apps() {
    return [...this.#producing, ...this.#others];
  }

  #strike(): void {
    const { world, site, counts } = this;
    const { wide } = this.scenario;
    if (site.isHealthy) return;
    const device = world.pick(this.#devices);
    const what = world.random();
    if (what < 0.08) {
      site.kill();
      if (!site.isShared) { for (const other of this.#devices) other.cut(); }
    } else if (site.isShared && world.chance(0.1)) {
      site.cutOff();
    } else if (wide && world.chance(0.1)) {
      if (world.chance(0.7)) site.pause();
      else site.setClock();
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
      device.freeze(world.between(10, FREEZE_MS));
      if (world.chance(0.7)) world.after(world.between(0, 7_000), () => device.wake());
    } else if (what < 0.85) {
      counts.wakes++;
      device.wake();
    }
    world.after(world.between(50, 500), () => this.#strike());
  }
}
