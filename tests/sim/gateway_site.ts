/**
 * Where the gateways of a simulated world run: they are started, tick, and are killed; their store
 * is behind links whose faults change every few seconds, until the world heals.
 */

import type { Settings } from "../../src/config.ts";
import { Gateway } from "../../src/gateway.ts";
import type { Log } from "../../src/log/log.ts";
import { RecordCursor } from "../../src/log/record.ts";
import { scanAll } from "../../src/store/scan_all.ts";
import type { Key } from "../../src/store/store.ts";
import type { Topic } from "../../src/types.ts";
import type { Read, Telling } from "../checker/history.ts";
import { FAULTS, FaultyStore, type Odds } from "./fault_store.ts";
import { Process } from "./process.ts";
import { shortened } from "./publishers.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

const TICK_MS = 50;
const MIX_MS = 2_500;
const READING_MS = 10_000;
export const PARTITIONS = 3;

export const SETTINGS: Settings = {
  host: "127.0.0.1",
  port: 0,
  store: ":memory:",
  storeToken: undefined,
  autoPartitions: PARTITIONS,
  heartbeatMs: 1_000,
  sessionTimeoutMs: 3_000,
  leaseMs: 2_000,
  metricsPort: undefined,
  reports: "info",
  drainMs: 1_000,
  limits: {
    sockets: 1_000,
    socketsPerAddress: 1_000,
    socketsPerSubject: 1_000,
    newSockets: 1_000,
    publishRecords: 1_000,
    publishBytes: 1_000_000,
  },
  trustedProxies: 0,
  tokens: { secret: undefined, jwksUrl: undefined, issuer: undefined, audience: undefined },
  open: false,
  sockets: "ws",
  origins: [],
};

/** The content of a partition of the log. */
export type PartitionLog = Omit<Extract<Telling, { f: "log" }>, "f">;

/** By how much a wall clock may be wrong. */
const CLOCK_ERRORS_MS = [3_600_000, -600_000, 300_000, -300_000, 0];
/**
 * How long a gateway may stop while it runs for two leases, in one pause or in several. It notices
 * what it has missed only by running, since its clock may stand still in all of them: without a
 * bound to their sum, there would be none to how long it goes on with what others have by then.
 */
export const LONGEST_PAUSE_MS = 3 * SETTINGS.leaseMs;
/** How long the store may stall. */
const STALLS_MS = [1_000, 5_000, 30_000];
/** How late writes may be in most harsh worlds, so that they arrive before its end, and in some. */
const LATER_MS = 20_000;
const MUCH_LATER_MS = 600_000;
const utf8 = new TextDecoder();

export class GatewaySite {
  readonly world: World;
  readonly store: FaultyStore;
  readonly #report: (message: string) => void;
  readonly #scenario: Scenario;
  #up: Process[] = [];
  #healthy = false;
  /** No watch ever fires, even without faults. */
  readonly #deaf: boolean;
  /** How often each thing happened to gateways. */
  readonly counts = { kills: 0, cutOffs: 0, losses: 0, pauses: 0, clockJumps: 0, stalls: 0 };
  /** How late the latest write may arrive, where that is more than seconds. */
  readonly #latestMs: number | undefined;

  /**
   * `report`: called with what a gateway reports to its operators as an error, which none should.
   * With several gateways, they share the store.
   */
  constructor(world: World, report: (message: string) => void, scenario: Scenario) {
    this.world = world;
    this.#scenario = scenario;
    if (scenario.harsh) this.#latestMs = world.chance(0.08) ? MUCH_LATER_MS : LATER_MS;
    this.store = new FaultyStore(world, {
      shared: scenario.gateways > 1,
      ...this.#latestMs === undefined ? {} : { latestMs: this.#latestMs },
    });
    this.#report = report;
    this.#deaf = scenario.wide && world.chance(0.2);
  }

  /** A gateway that is up, if any; of several, one that is not draining. */
  gateway(): Process | undefined {
    if (!this.isShared) return this.#up[0];
    const ready = this.#up.filter(({ draining }) => !draining);
    return ready.length > 0 ? this.world.pick(ready) : undefined;
  }

  /** Whether faults are over. */
  get isHealthy(): boolean {
    return this.#healthy;
  }

  /** Whether the gateways share the store. */
  get isShared(): boolean {
    return this.#scenario.gateways > 1;
  }

  /** How much longer than usual a world must heal, so that all late writes have arrived. */
  get longerHealingMs(): number {
    return this.#latestMs === MUCH_LATER_MS ? MUCH_LATER_MS : 0;
  }

  begin(): void {
    for (let i = 0; i < this.#scenario.gateways; i++) this.start();
    this.#mixFaults();
    this.#tick();
    if (this.#scenario.harsh && this.world.chance(0.1)) {
      this.world.after(this.world.between(3_000, 15_000), () => this.#stall());
    }
  }

  heal(): void {
    this.#healthy = true;
    this.store.odds = this.#deaf ? { ...FAULTS, silentWatch: 1 } : FAULTS;
    for (const process of this.#up) process.cutUntil = 0;
    while (this.#up.length < this.#scenario.gateways) this.start();
  }

  start(): void {
    const process = new Process(this.world);
    const host = this.world.host(process, this.#report);
    const store = this.store.link(process);
    const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir sim" });
    process.gateway = gateway;
    this.#up.push(process);
    gateway.lost.addEventListener("abort", () => {
      this.counts.losses++;
      this.#end(process);
    });
    gateway.start().catch((error) => {
      if (!process.dead) this.world.trace(`takes up later: ${error}`);
    });
    this.world.trace("a gateway starts");
  }

  /** As SIGKILL: it does nothing any more, but what it has sent may still arrive. */
  kill(): void {
    const killed = this.#pick();
    if (!killed) return;
    this.counts.kills++;
    this.#end(killed);
  }

  /** As SIGTERM: it sends its clients away first. */
  async drain(): Promise<void> {
    const draining = this.#pick();
    if (!draining) return;
    this.world.trace("the gateway drains");
    draining.draining = true;
    await draining.gateway.drain();
    if (this.isShared && !draining.dead) await draining.gateway.close();
    if (draining.dead) return;
    this.counts.kills++;
    this.#end(draining);
  }

  /** One gateway loses its connection to the store for a while. */
  cutOff(): void {
    const process = this.#pick();
    if (!process) return;
    this.counts.cutOffs++;
    process.cutUntil = this.world.now + this.world.between(100, 6_000);
    this.world.trace("a gateway is cut off from the store");
  }

  /** A gateway stops for a while, as when its process or machine is suspended, and continues. */
  pause(): void {
    const process = this.#pick();
    if (!process || process.isPaused) return;
    const mostMs = LONGEST_PAUSE_MS - process.pausedMs(2 * SETTINGS.leaseMs);
    if (mostMs <= 0) return;
    this.counts.pauses++;
    this.world.trace("a gateway stops for a while");
    const ms = Math.min(mostMs, this.world.between(200, LONGEST_PAUSE_MS));
    process.pause(ms, this.world.chance(0.3));
  }

  /** A gateway's wall clock is set to a wrong time. */
  setClock(): void {
    const process = this.#pick();
    if (!process) return;
    this.counts.clockJumps++;
    this.world.trace("a gateway's wall clock jumps");
    process.wallClockErrorMs = this.world.pick(CLOCK_ERRORS_MS);
  }

  /** The store does nothing for a while. */
  #stall(): void {
    this.counts.stalls++;
    this.world.trace("the store stalls");
    this.store.stall(this.world.pick(STALLS_MS));
  }

  #pick(): Process | undefined {
    return this.#up.length > 1 ? this.world.pick(this.#up) : this.#up[0];
  }

  #end(process: Process): void {
    if (process.dead) return;
    process.dead = true;
    this.#up = this.#up.filter((other) => other !== process);
    this.world.trace("the gateway is killed");
    if (this.isShared) { for (const socket of [...process.sockets]) socket.cut(); }
    const startAgain = () => {
      if (this.#up.length < this.#scenario.gateways) this.start();
    };
    this.world.after(this.world.between(10, 1_500), startAgain);
  }

  #tick(): void {
    for (const process of [...this.#up]) {
      if (!process.isPaused) process.act(() => process.gateway.tick());
    }
    this.world.after(TICK_MS, () => this.#tick());
  }

  /** Another mix of faults every few seconds, including none at all. */
  #mixFaults(): void {
    if (this.#healthy) return;
    const { world, store } = this;
    const names = Object.keys(FAULTS) as (keyof typeof FAULTS)[];
    const odds: Odds = { ...FAULTS };
    if (!world.chance(0.2)) {
      for (const name of names) if (world.chance(0.4)) odds[name] = world.between(0, 0.06);
    }
    if (this.#deaf) odds.silentWatch = 1;
    else if (this.isShared && world.chance(0.5)) odds.silentWatch = world.pick([0.1, 0.5, 1]);
    if (this.isShared && world.chance(0.3)) odds.staleWatch = 0.2;
    if (this.#scenario.harsh && world.chance(0.3)) odds.slowRead = world.between(0, 0.1);
    if (this.#latestMs === MUCH_LATER_MS) odds.late = 0.05;
    store.odds = odds;
    world.after(MIX_MS, () => this.#mixFaults());
  }

  /**
   * What is left of topics that were deleted, though their gateway may have died in between. Others
   * look every ten minutes, so only in a world that heals for longer there must be nothing.
   */
  async leftovers(): Promise<string[]> {
    const topicsOf = async (prefix: Key) => {
      const found = new Set<string>();
      for await (const { key } of scanAll(this.store.stored, prefix)) found.add(String(key[1]));
      return found;
    };
    const alive = await topicsOf(["h"]);
    const left: string[] = [];
    for (const kind of ["l", "s", "b"]) {
      for (const topic of await topicsOf([kind])) {
        if (!alive.has(topic)) left.push(`${kind} of ${topic}`);
      }
    }
    return left;
  }

  /** The whole log of these topics, read through a new gateway. */
  async readAll(topics: readonly string[]): Promise<PartitionLog[]> {
    while (this.#up[0]) this.#end(this.#up[0]);
    this.start();
    const found: PartitionLog[] = [];
    const reading = this.#readInto(found, topics);
    await this.world.run(this.world.now + READING_MS);
    await reading;
    return found;
  }

  async #readInto(found: PartitionLog[], topics: readonly string[]): Promise<void> {
    const log = this.#up[0]?.gateway.log;
    for (const name of topics) {
      const topic = await log?.topics.find(name);
      if (!topic || !log) continue;
      for (let partition = 0; partition < topic.partitions; partition++) {
        const { start, next } = await log.bounds(topic, partition);
        const records = await readPartition(log, topic, partition, start, next);
        found.push({ topic: name, incarnation: topic.id, partition, start, next, records });
      }
    }
  }
}

async function readPartition(
  log: Log,
  topic: Topic,
  partition: number,
  start: number,
  next: number,
): Promise<Read[]> {
  const records: Read[] = [];
  for (let at = start; at < next;) {
    const { sections } = await log.read(topic, partition, { from: at, bytesMax: 1 << 20 });
    for (const { base, payload, time } of sections) {
      const cursor = new RecordCursor(payload, time);
      for (let offset = base; cursor.next(); offset++) {
        const value = utf8.decode(payload.subarray(cursor.valueFrom, cursor.valueTo));
        if (offset < at) continue;
        records.push([offset, shortened(JSON.parse(value))]);
        at = offset + 1;
      }
    }
    if (sections.length === 0) break;
  }
  return records;
}
