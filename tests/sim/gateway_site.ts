/**
 * Where the gateways of a simulated world run: they are started, tick, and are killed; their store is
 * behind links whose faults change every few seconds, until the world heals.
 */

import type { Settings } from "../../src/config.ts";
import { Gateway } from "../../src/gateway.ts";
import { RecordCursor } from "../../src/log/record.ts";
import { FAULTS, FaultyStore, type Odds } from "./fault_store.ts";
import { cutAll } from "./network.ts";
import type { World } from "./world.ts";

const TICK_MS = 50;
const MIX_MS = 2_500;
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
  drainMs: 1_000,
  open: false,
  sockets: "ws",
  origins: [],
};

/** A record of the log. */
export interface Stored {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: unknown;
}

const utf8 = new TextDecoder();

/** A gateway's process. */
interface Process {
  readonly gateway: Gateway;
  dead: boolean;
  draining: boolean;
  /** Until then nothing gets through to the store. */
  cutUntil: number;
}

export class GatewaySite {
  readonly world: World;
  readonly store: FaultyStore;
  readonly #report: (message: string) => void;
  readonly #count: number;
  #up: Process[] = [];
  #healthy = false;
  kills = 0;
  /** How often a gateway was cut off from the store, and ended since it was for too long. */
  cutOffs = 0;
  losses = 0;

  /**
   * `report`: what a gateway tells its operators as an error, which none should. With several
   * `gateways` the store is one that they share.
   */
  constructor(world: World, report: (message: string) => void, gateways = 1) {
    this.world = world;
    this.#count = gateways;
    this.store = new FaultyStore(world, { shared: gateways > 1 });
    this.#report = report;
  }

  /** A gateway that is up, if one is; where there are several, one that does not drain. */
  gateway(): Gateway | undefined {
    if (!this.isShared) return this.#up[0]?.gateway;
    const ready = this.#up.filter(({ draining }) => !draining);
    return ready.length > 0 ? this.world.pick(ready).gateway : undefined;
  }

  /** Whether faults strike no more. */
  get isHealthy(): boolean {
    return this.#healthy;
  }

  /** Whether the gateways share the store. */
  get isShared(): boolean {
    return this.#count > 1;
  }

  begin(): void {
    for (let i = 0; i < this.#count; i++) this.start();
    this.#mixFaults();
    this.#tick();
  }

  heal(): void {
    this.#healthy = true;
    this.store.odds = FAULTS;
    for (const process of this.#up) process.cutUntil = 0;
    while (this.#up.length < this.#count) this.start();
  }

  start(): void {
    const process = { dead: false, draining: false, cutUntil: 0 };
    const isDead = () => process.dead;
    const isCut = () => this.world.now < process.cutUntil;
    const host = this.world.host(isDead, this.#report);
    const store = this.store.link(isDead, isCut);
    const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir sim" });
    const up = Object.assign(process, { gateway });
    this.#up.push(up);
    gateway.lost.addEventListener("abort", () => {
      this.losses++;
      this.#end(up);
    });
    gateway.start().catch((error) => {
      if (!process.dead) this.world.trace(`takes up later: ${error}`);
    });
    this.world.trace("a gateway starts");
  }

  /** As SIGKILL: it does nothing any more, and what it has sent may still arrive. */
  kill(): void {
    const killed = this.#pick();
    if (!killed) return;
    this.kills++;
    this.#end(killed);
  }

  /** As SIGTERM: it lets go of its clients first. */
  async drain(): Promise<void> {
    const draining = this.#pick();
    if (!draining) return;
    this.world.trace("the gateway drains");
    draining.draining = true;
    await draining.gateway.drain();
    if (this.isShared && !draining.dead) await draining.gateway.close();
    if (draining.dead) return;
    this.kills++;
    this.#end(draining);
  }

  /** A gateway loses its way to the store for a while, and nobody else does. */
  cutOff(): void {
    const process = this.#pick();
    if (!process) return;
    this.cutOffs++;
    process.cutUntil = this.world.now + this.world.between(100, 6_000);
    this.world.trace("a gateway is cut off from the store");
  }

  #pick(): Process | undefined {
    return this.#up.length > 1 ? this.world.pick(this.#up) : this.#up[0];
  }

  #end(process: Process): void {
    if (process.dead) return;
    process.dead = true;
    this.#up = this.#up.filter((other) => other !== process);
    this.world.trace("the gateway is killed");
    if (this.isShared) cutAll(process.gateway);
    const startAgain = () => {
      if (this.#up.length < this.#count) this.start();
    };
    this.world.after(this.world.between(10, 1_500), startAgain);
  }

  #tick(): void {
    for (const { gateway } of [...this.#up]) gateway.tick();
    this.world.after(TICK_MS, () => this.#tick());
  }

  /** Another mix of faults every few seconds, none at all among them. */
  #mixFaults(): void {
    if (this.#healthy) return;
    const { world, store } = this;
    const names = Object.keys(FAULTS) as (keyof typeof FAULTS)[];
    const odds: Odds = { ...FAULTS };
    if (!world.chance(0.2)) {
      for (const name of names) if (world.chance(0.4)) odds[name] = world.between(0, 0.06);
    }
    if (this.isShared && world.chance(0.5)) odds.silentWatch = world.pick([0.1, 0.5, 1]);
    if (this.isShared && world.chance(0.3)) odds.staleWatch = 0.2;
    store.odds = odds;
    world.after(MIX_MS, () => this.#mixFaults());
  }

  /** All that is in the log of these topics, through a gateway that has seen nothing. */
  async readAll(topics: readonly string[]): Promise<Stored[]> {
    while (this.#up[0]) this.#end(this.#up[0]);
    this.start();
    const found: Stored[] = [];
    const reading = this.#read(topics, found);
    await this.world.run(this.world.now + 10_000);
    await reading;
    return found;
  }

  async #read(topics: readonly string[], into: Stored[]): Promise<void> {
    const log = this.#up[0]?.gateway.log;
    for (const name of topics) {
      const topic = await log?.topics.find(name);
      if (!topic || !log) continue;
      for (let partition = 0; partition < topic.partitions; partition++) {
        const { next } = await log.bounds(topic, partition);
        for (let at = 0; at < next;) {
          const { sections } = await log.read(topic, partition, at, 1 << 20);
          for (const { base, payload, time } of sections) {
            const cursor = new RecordCursor(payload, time);
            for (let offset = base; cursor.next(); offset++) {
              const value = JSON.parse(
                utf8.decode(payload.subarray(cursor.valueFrom, cursor.valueTo)),
              );
              into.push({ topic: name, partition, offset, value });
              at = offset + 1;
            }
          }
        }
      }
    }
  }
}
