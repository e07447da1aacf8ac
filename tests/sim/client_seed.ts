/**
 * One seed of the client in a faulty world: applications on phones publish, follow, consume and
 * pass on records through the client, while connections are cut or go silent, phones freeze and
 * wake, and gateways are killed or drained and their store fails. Then the world heals, and what
 * the applications were told is compared with the log.
 */

import { Recorder } from "../checker/recorder.ts";
import { type App, type Fleet, Follower, Passer, Producing, Worker } from "./apps.ts";
import { GatewaySite, LONGEST_PAUSE_MS, PARTITIONS, SETTINGS } from "./gateway_site.ts";
import { guarded, judge, noRareThings, type Outcome, recordLog, untilDone } from "./outcome.ts";
import { checkPassedOn } from "./passed_on.ts";
import { Operator } from "./operator.ts";
import { Phone, type PhoneOptions } from "./phone.ts";
import type { Process } from "./process.ts";
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
/** Deleted now and then, and created again by its users. */
const FLEETING = "c";
/** Retained only for a short time. */
const SHORT = "d";
const SHORT_MS = 2_000;

export async function runClientSeed(seed: number, scenario: Scenario): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world, scenario);
  await guarded(run, async () => {
    run.begin();
    await untilDone(run, scenario.faultyMs + LONGER_FAULTY_MS);
    run.heal();
    const { longerHealingMs } = run.place;
    await world.run(world.now + scenario.healingMs + LONGER_HEALING_MS + longerHealingMs);
    await run.end();
  });
  const { place: site, recorder, faults, rare, counts } = run;
  return judge({ seed, site, recorder, faults, rare, counts });
}

class Run implements Fleet {
  readonly world: World;
  readonly recorder: Recorder;
  readonly partitions = PARTITIONS;
  readonly place: GatewaySite;
  readonly faults: Violation[] = [];
  readonly counts = { cuts: 0, silences: 0, freezes: 0, wakes: 0, drains: 0 };
  readonly scenario: Scenario;
  readonly rare = noRareThings();
  readonly #producing: Phone<Producing>[];
  readonly #operator: Operator;
  readonly #phones: readonly Phone[];

  constructor(world: World, scenario: Scenario) {
    this.world = world;
    this.scenario = scenario;
    this.recorder = new Recorder(() => world.now, (event) => world.trace(JSON.stringify(event)));
    this.place = new GatewaySite(world, (message) => this.fault("reported", message), scenario);
    const slowness = scenario.wide ? WIDE_SLOWNESS : 1;
    this.#producing = ["p", "q", "r"].map((name) =>
      this.#phone(name, (fleet, client, name) => {
        const idempotent = !name.startsWith("r");
        const app = new Producing(fleet, client, { name, topics: TOPICS, idempotent, slowness });
        if (this.place.isHealthy) app.finish();
        return app;
      })
    );
    const followers = TOPICS.map((topic) =>
      this.#phone(
        `follower of ${topic}`,
        (fleet, client, name) => new Follower(fleet, client, name, topic),
      )
    );
    const workers = [{}, {}, { instance: false } as const].map((instance, i) =>
      this.#phone(
        `worker ${i}`,
        (fleet, client, name) =>
          new Worker(fleet, client, name, { group: "g", topics: TOPICS, ...instance }),
      )
    );
    const passing = { group: "h", topic: "a", into: PASSED_ON };
    const passers = [1, 2].map((i) =>
      this.#phone(
        `passer ${i}`,
        (fleet, client, name) => new Passer(fleet, client, name, passing),
      )
    );
    this.#phones = [
      ...this.#producing,
      ...followers,
      ...workers,
      ...passers,
      ...scenario.harsh ? this.#more() : [],
    ];
    this.#operator = new Operator(this, FLEETING);
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
    this.recorder.terms({
      overlapMs,
      groups: ["g", "h"],
      unrecorded: this.scenario.harsh ? ["g", "k"] : ["g"],
    });
    this.place.begin();
    for (const { app } of this.#phones) app.start();
    if (this.scenario.harsh) {
      this.#operator.make(SHORT, { partitions: PARTITIONS, retentionMs: SHORT_MS });
      this.#operator.start();
    }
    this.#strike();
  }

  heal(): void {
    for (const { app } of this.#producing) app.finish();
    this.#operator.stop();
    this.place.heal();
    this.recorder.told("run", { f: "healed" });
    // Clients that are cut off without notice must find out by themselves.
  }

  async end(): Promise<void> {
    const { world, recorder } = this;
    for (const { client } of this.#phones) client.close();
    await world.run(world.now + CLOSING_MS);
    for (const { app: { name, hasEnded } } of this.#phones) {
      if (!hasEnded) this.fault("hangs", `${name} goes on after its client was closed`);
    }
    if (this.place.longerHealingMs > 0) {
      for (const what of await this.place.leftovers()) this.fault("leftover", what);
    }
    const log = await this.place.readAll([
      ...TOPICS,
      PASSED_ON,
      ...this.scenario.harsh ? [FLEETING, SHORT] : [],
    ]);
    recordLog(recorder, log);
    for (const { kind, text } of checkPassedOn(log, "a", PASSED_ON)) this.fault(kind, text);
  }

  gateway(): Process | undefined {
    return this.place.gateway();
  }

  /** Of topics that are deleted, and that retention takes from those who read them. */
  #more(): Phone[] {
    const topics = [FLEETING, SHORT];
    const producing = this.#phone("s", (fleet, client, name) => {
      const options = { name, topics, idempotent: false, slowness: WIDE_SLOWNESS };
      const app = new Producing(fleet, client, options);
      if (this.place.isHealthy) app.finish();
      return app;
    });
    this.#producing.push(producing);
    const workers = [1, 2].map((i) =>
      this.#phone(
        `reader ${i}`,
        (fleet, client, name) => new Worker(fleet, client, name, { group: "k", topics }),
      )
    );
    return [producing, ...workers];
  }

  #phone<A extends App>(name: string, make: PhoneOptions<A>["make"]): Phone<A> {
    return new Phone({ world: this.world, fleet: this, gateway: () => this.gateway(), name, make });
  }

  #strike(): void {
    const { world, place, counts } = this;
    const { wide, harsh } = this.scenario;
    if (place.isHealthy) return;
    const phone = world.pick(this.#phones);
    const { device } = phone;
    const what = world.random();
    if (what < 0.08) {
      place.kill();
      if (!place.isShared) { for (const { device } of this.#phones) device.cut(); }
    } else if (place.isShared && world.chance(0.1)) {
      place.cutOff();
    } else if (wide && world.chance(0.1)) {
      if (world.chance(0.7)) place.pause();
      else place.setClock();
    } else if (harsh && world.chance(0.05)) {
      this.rare.clientCrashed++;
      phone.die(world.chance(0.5));
    } else if (what < 0.12) {
      counts.drains++;
      place.drain();
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
