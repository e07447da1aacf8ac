/**
 * One seed: gateways in a faulty world, with clients that publish, follow, consume and pass on;
 * gateways are killed and restarted, connections are cut, the links to the store misbehave. Then
 * the world heals, and what every client saw is compared with the log.
 */

import { Recorder } from "../checker/recorder.ts";
import type { SimClient } from "./client.ts";
import { Consumer } from "./consumer.ts";
import { Follower } from "./follower.ts";
import { GatewaySite, LONGEST_PAUSE_MS, PARTITIONS, SETTINGS } from "./gateway_site.ts";
import { Operator } from "./operator.ts";
import { guarded, judge, noRareThings, type Outcome, recordLog, untilDone } from "./outcome.ts";
import { Passer } from "./passer.ts";
import { PairPublisher } from "./pairs.ts";
import { checkPassedOn } from "./passed_on.ts";
import type { Process } from "./process.ts";
import { type AnyPublisher, PlainPublisher, Publisher } from "./publishers.ts";
import type { Scenario } from "./scenario.ts";
import { type Site, type Violation } from "./site.ts";
import { World } from "./world.ts";

const TOPICS = ["a", "b"];
/** Deleted now and then, and created again by its users. */
const FLEETING = "c";
/** Retained only for a short time. */
const SHORT = "d";
const SHORT_MS = 2_000;
/** Seldom written to, so that no later write reveals what was missed. */
const QUIET = "e";
/** The topic for copies of the first topic's records. */
const PASSED_ON = "out";
/** How long members leave and join again and again. */
const STORM_MS = [2_000, 6_000] as const;
/** A record may be on its way for so long when its partition is reassigned. */
const UNDER_WAY_MS = 1_000;

export async function runSeed(seed: number, scenario: Scenario): Promise<Outcome> {
  const world = new World(seed);
  const run = new Run(world, scenario);
  await guarded(run, async () => {
    run.begin();
    await untilDone(run, scenario.faultyMs);
    run.heal();
    await world.run(world.now + scenario.healingMs + run.place.longerHealingMs);
    await run.end();
  });
  const { place: site, recorder, faults, rare, counts } = run;
  return judge({ seed, site, recorder, faults, rare, counts });
}

class Run implements Site {
  readonly world: World;
  readonly recorder: Recorder;
  readonly place: GatewaySite;
  readonly faults: Violation[] = [];
  readonly rare = noRareThings();
  readonly scenario: Scenario;
  readonly #publishers: AnyPublisher[];
  readonly #consumers: Consumer[];
  /** Members of a group that reads the topic which is deleted now and then. */
  readonly #fleeting: Consumer[] = [];
  readonly #others: SimClient[];
  readonly #operator: Operator;
  readonly counts = { cuts: 0, abandoned: 0 };

  constructor(world: World, scenario: Scenario) {
    this.world = world;
    this.scenario = scenario;
    this.recorder = new Recorder(() => world.now, (event) => world.trace(JSON.stringify(event)));
    this.place = new GatewaySite(world, (message) => this.fault("reported", message), scenario);
    const everyMs = scenario.publishMs;
    this.#publishers = ["p", "q", "r"].map((name) =>
      new Publisher(this, name, { topics: TOPICS, everyMs })
    );
    const join = { group: "g", topics: TOPICS, revokeTimeoutMs: 1_000 };
    this.#consumers = [
      new Consumer(this, "x", join),
      new Consumer(this, "y", join),
      new Consumer(this, "z", { ...join, instance: "i", sessionTimeoutMs: 2_000 }),
    ];
    this.#others = [
      new Follower(this, "follower", { topic: "a", seeks: scenario.wide }),
      ...scenario.wide ? this.#more() : [],
    ];
    if (scenario.broad) {
      this.#publishers.push(
        new PairPublisher(this, "pairs", { topics: TOPICS, everyMs: [100, 700] }),
      );
    }
    const before = () => this.#beforeDeletion();
    this.#operator = new Operator(this, FLEETING, scenario.harsh ? before : undefined);
  }

  get isHealthy(): boolean {
    return this.place.isHealthy;
  }

  gateway(): Process | undefined {
    return this.place.gateway();
  }

  fault(kind: string, text: string): void {
    this.world.trace(`VIOLATION ${kind}: ${text}`);
    this.faults.push({ kind, text });
  }

  begin(): void {
    const { wide, healingMs } = this.scenario;
    const overlapMs = 2 * SETTINGS.leaseMs + LONGEST_PAUSE_MS + UNDER_WAY_MS;
    const groups = wide ? ["g", "h"] : ["g"];
    this.recorder.terms({ overlapMs, groups, lagMs: healingMs / 2 });
    this.place.begin();
    for (const client of this.#clients()) client.start();
    if (wide) {
      this.#operator.make(SHORT, { partitions: PARTITIONS, retentionMs: SHORT_MS });
      this.#operator.start();
    }
    this.#strike();
  }

  heal(): void {
    for (const publisher of this.#publishers) publisher.finish();
    this.#operator.stop();
    this.place.heal();
    this.recorder.told("run", { f: "healed" });
  }

  /** Everything must be right by now. */
  async end(): Promise<void> {
    for (const client of this.#clients()) {
      if (!client.isAnswered) this.fault("hangs", `${client.name} was never answered`);
    }
    for (const client of this.#clients()) client.stop();
    if (this.place.longerHealingMs > 0) {
      for (const what of await this.place.leftovers()) this.fault("leftover", what);
    }
    const all = [...TOPICS, ...this.scenario.wide ? [FLEETING, SHORT, QUIET, PASSED_ON] : []];
    const log = await this.place.readAll(all);
    recordLog(this.recorder, log);
    if (!this.scenario.wide) return;
    for (const { kind, text } of checkPassedOn(log, "a", PASSED_ON)) this.fault(kind, text);
  }

  /** Makes it likely that the topic is deleted while the group that reads it rebalances. */
  async #beforeDeletion(): Promise<void> {
    const { world, rare } = this;
    if (world.chance(0.5)) {
      world.pick(this.#fleeting).leave(world.between(5, 300));
      await world.sleep(world.between(0, 50));
    }
    if (this.#fleeting.some((member) => member.isRebalancing)) rare.topicDeletedInRebalance++;
  }

  /** Members leave and join again all the time, except for one. */
  #storm(): void {
    const { world, rare } = this;
    rare.rebalanceStorm++;
    world.trace("members leave and join again and again");
    const until = world.now + world.between(...STORM_MS);
    const calm = world.pick(this.#consumers);
    for (const member of this.#consumers) if (member !== calm) this.#unsettle(member, until);
  }

  #unsettle(member: Consumer, until: number): void {
    const { world, place } = this;
    if (world.now > until || place.isHealthy) return;
    member.leave(world.between(20, 100));
    world.after(world.between(60, 150), () => this.#unsettle(member, until));
  }

  /** Further clients in a wide world. */
  #more(): SimClient[] {
    const everyMs = [100, 700] as const;
    this.#publishers.push(
      new Publisher(this, "s", { topics: [FLEETING, SHORT], fleeting: FLEETING, everyMs }),
      new PlainPublisher(this, "t", { topics: ["b", FLEETING, SHORT], everyMs }),
      new Publisher(this, "m", { topics: ["b"], everyMs, producer: "shared" }),
      new Publisher(this, "n", { topics: ["b"], everyMs, producer: "shared" }),
      new PlainPublisher(this, "o", { topics: [QUIET], everyMs: [1_000, 5_000] }),
    );
    const slow = { credit: 3, paceMs: [200, 1_500] as const };
    const passing = { group: "h", topics: ["a"], into: PASSED_ON, credit: 20 };
    const fleeting = { group: "k", topics: [SHORT, FLEETING], ...slow };
    this.#fleeting.push(new Consumer(this, "u", fleeting));
    if (this.scenario.harsh) {
      this.#fleeting.push(
        new Consumer(this, "u2", { ...fleeting, revokeTimeoutMs: 1_000 }),
        new Consumer(this, "u3", { ...fleeting, instance: "k", sessionTimeoutMs: 2_000 }),
      );
    }
    const latest = { group: "l", topics: ["b"], from: "latest", commitMs: [0, 2_000] } as const;
    return [
      new Passer(this, "v", passing),
      new Passer(this, "w", { ...passing, instance: "j", sessionTimeoutMs: 2_000 }),
      new Consumer(this, "late1", latest),
      new Consumer(this, "late2", { ...latest, instance: "l", sessionTimeoutMs: 2_000 }),
      ...this.#fleeting,
      new Follower(this, "fleeting", { topic: FLEETING, mayReset: true }),
      new Follower(this, "slow", { topic: SHORT, mayReset: true, ...slow }),
      new Follower(this, "quiet", { topic: QUIET }),
    ];
  }

  #clients(): SimClient[] {
    return [...this.#publishers, ...this.#consumers, ...this.#others];
  }

  #members(): Consumer[] {
    return this.#clients().filter((client) => client instanceof Consumer);
  }

  #strike(): void {
    const { world, place } = this;
    const { wide, harsh } = this.scenario;
    if (place.isHealthy) return;
    if (world.chance(0.12)) {
      place.kill();
      if (!place.isShared) { for (const client of this.#clients()) client.cut(); }
    } else if (place.isShared && world.chance(0.15)) {
      if (world.chance(0.3)) place.drain();
      else place.cutOff();
    } else if (wide && world.chance(0.15)) {
      place.pause();
    } else if (wide && world.chance(0.07)) {
      place.setClock();
    } else if (harsh && world.chance(0.1)) {
      world.pick(this.#clients()).crash(world.chance(0.5));
    } else if (harsh && world.chance(0.02)) {
      this.#storm();
    } else if (harsh && world.chance(0.05)) {
      world.pick(this.#members()).leave(world.between(5, 1_000));
    } else if (wide && world.chance(0.2)) {
      this.counts.abandoned++;
      world.pick(this.#clients()).abandon();
    } else if (world.chance(0.5)) {
      this.counts.cuts++;
      world.pick(this.#clients()).cut();
    }
    world.after(world.between(200, 1_200), () => this.#strike());
  }
}
