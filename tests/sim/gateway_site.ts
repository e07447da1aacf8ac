/**
 * Where the gateway of a simulated world runs: it is started, ticks, and is killed; its store is behind
 * a link whose faults change every few seconds, until the world heals.
 */

import type { Settings } from "../../src/config.ts";
import { Gateway } from "../../src/gateway.ts";
import { RecordCursor } from "../../src/log/record.ts";
import { type Fault, FAULTS, FaultyStore } from "./fault_store.ts";
import type { World } from "./world.ts";

const TICK_MS = 50;
const MIX_MS = 2_500;
export const PARTITIONS = 3;

const SETTINGS: Settings = {
  host: "127.0.0.1",
  port: 0,
  store: ":memory:",
  autoPartitions: PARTITIONS,
  heartbeatMs: 1_000,
  sessionTimeoutMs: 3_000,
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

export class GatewaySite {
  readonly world: World;
  readonly store: FaultyStore;
  readonly #report: (message: string) => void;
  #up: { gateway: Gateway; dead: boolean } | undefined;
  #healthy = false;
  kills = 0;

  /** `report`: what the gateway tells its operators as an error, which none should. */
  constructor(world: World, report: (message: string) => void) {
    this.world = world;
    this.store = new FaultyStore(world);
    this.#report = report;
  }

  /** The gateway that is up, if one is. */
  gateway(): Gateway | undefined {
    return this.#up?.gateway;
  }

  /** Whether faults strike no more. */
  get isHealthy(): boolean {
    return this.#healthy;
  }

  begin(): void {
    this.start();
    this.#mixFaults();
    this.#tick();
  }

  heal(): void {
    this.#healthy = true;
    this.store.odds = { ...FAULTS };
    if (!this.#up) this.start();
  }

  start(): void {
    const process = { dead: false };
    const isDead = () => process.dead;
    const host = this.world.host(isDead, this.#report);
    const store = this.store.link(isDead);
    const gateway = new Gateway({ store, host, settings: SETTINGS, server: "weir sim" });
    this.#up = Object.assign(process, { gateway });
    gateway.start().catch((error) => {
      if (!process.dead) this.world.trace(`takes up later: ${error}`);
    });
    this.world.trace("a gateway starts");
  }

  /** As SIGKILL: it does nothing any more, and what it has sent may still arrive. */
  kill(): void {
    if (!this.#up) return;
    this.#up.dead = true;
    this.#up = undefined;
    this.kills++;
    this.world.trace("the gateway is killed");
    this.world.after(this.world.between(10, 1_500), () => this.#up ?? this.start());
  }

  /** As SIGTERM: it lets go of its clients first. */
  async drain(): Promise<void> {
    const draining = this.#up;
    if (!draining) return;
    this.world.trace("the gateway drains");
    await draining.gateway.drain();
    if (this.#up === draining) this.kill();
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

  /** All that is in the log of these topics, through a gateway that has seen nothing. */
  async readAll(topics: readonly string[]): Promise<Stored[]> {
    this.kill();
    this.start();
    const found: Stored[] = [];
    const reading = this.#read(topics, found);
    await this.world.run(this.world.now + 10_000);
    await reading;
    return found;
  }

  async #read(topics: readonly string[], into: Stored[]): Promise<void> {
    const log = this.#up?.gateway.log;
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
