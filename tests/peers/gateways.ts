/**
 * Gateways on one store in memory, in virtual time, with members of a group that have no sockets.
 * Each reaches the store through a link of its own.
 */

import { Gateway } from "../../src/gateway.ts";
import type { Clock } from "../../src/host/host.ts";
import { STORE, TICK_MS } from "../../src/limits.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import {
  type Entry,
  type Key,
  type Range,
  type Store,
  unreadable,
  type Write,
  type WriteResult,
} from "../../src/store/store.ts";
import { Port } from "../group/group_gateway.ts";
import { SETTINGS } from "../sim/gateway_site.ts";
import { settled, type TestClock, testHost } from "../support/test_host.ts";

/** How a link fails. */
export type Failing =
  /** Every request fails at once. */
  | "refused"
  /** Nothing arrives, and requests fail when their time is up. */
  | "silent"
  /** Requests arrive, and their answers do not. */
  | "unheard"
  /** Whoever asked is not there any more. */
  | "dead";

const UNKNOWN: WriteResult = { outcome: "unknown", cause: "the link" };

class Link implements Store {
  readonly #stored: MemoryStore;
  readonly #clock: TestClock;
  readonly #deaf: boolean;
  failing: Failing | undefined;

  /** `deaf`: no watch ever fires. */
  constructor(stored: MemoryStore, clock: TestClock, deaf: boolean) {
    this.#stored = stored;
    this.#clock = clock;
    this.#deaf = deaf;
  }

  get shared(): boolean {
    return this.#stored.shared;
  }

  read(keys: readonly Key[]): Promise<Entry[]> {
    return this.#ask(() => this.#stored.read(keys));
  }

  scan(range: Range): Promise<Entry[]> {
    return this.#ask(() => this.#stored.scan(range));
  }

  async write(write: Write): Promise<WriteResult> {
    try {
      return await this.#ask(() => this.#stored.write(write));
    } catch {
      return UNKNOWN;
    }
  }

  watch(keys: readonly Key[], changed: (entries: readonly Entry[]) => void): () => void {
    if (this.#deaf) return () => {};
    return this.#stored.watch(keys, (entries) => {
      if (!this.failing) changed(entries);
    });
  }

  close(): void {}

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    switch (this.failing) {
      case undefined:
        return await ask();
      case "dead":
        return await new Promise<never>(() => {});
      case "refused":
        throw unreadable("the link is refused");
      case "unheard":
        await ask();
    }
    await new Promise<void>((resolve) => this.#clock.after(STORE.callMs, resolve));
    throw unreadable("the link is silent");
  }
}

/** The clocks of one gateway, of which the wall clock may be wrong. */
class SiteClock implements Clock {
  readonly #clock: TestClock;
  errorMs = 0;

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.errorMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, run: () => void): () => void {
    return this.#clock.after(ms, run);
  }
}

/** A gateway and a member of the group at it. */
export class Site {
  readonly gateway: Gateway;
  readonly clock: SiteClock;
  readonly member = new Port();
  readonly #link: Link;
  /** When it found that it must end, on the virtual clock. */
  lostAt = Infinity;
  isDead = false;

  constructor(link: Link, gateway: Gateway, clock: SiteClock) {
    this.#link = link;
    this.gateway = gateway;
    this.clock = clock;
    gateway.lost.addEventListener("abort", () => {
      this.lostAt = clock.monotonic();
      this.kill();
    });
  }

  /** As SIGKILL: it does nothing any more. */
  kill(): void {
    this.isDead = true;
    this.#link.failing = "dead";
  }

  /** Its link to the store fails, or is well again. */
  cut(failing: Failing | undefined): void {
    this.#link.failing = failing;
  }
}

export interface Choice {
  readonly gateways: number;
  readonly partitions: number;
  readonly leaseMs: number;
  /** No watch ever fires. */
  readonly deaf?: boolean;
  /** False: as the embedded store. */
  readonly shared?: boolean;
  /** Members have instance names, and are waited for so long. */
  readonly instancesMs?: number;
}

export class Gateways {
  readonly #host = testHost();
  readonly #choice: Choice;
  readonly sites: readonly Site[];

  private constructor(choice: Choice) {
    this.#choice = choice;
    const { gateways, leaseMs, deaf = false, shared = true } = choice;
    const stored = new MemoryStore({ shared });
    const settings = { ...SETTINGS, leaseMs };
    this.sites = Array.from({ length: gateways }, () => {
      const store = new Link(stored, this.#host.clock, deaf);
      const clock = new SiteClock(this.#host.clock);
      const options = { store, host: { ...this.#host, clock }, settings, server: "weir test" };
      return new Site(store, new Gateway(options), clock);
    });
  }

  /** They know each other, and their members have equal parts of a topic. */
  static async start(choice: Choice): Promise<Gateways> {
    const all = new Gateways(choice);
    const { sites } = all;
    await all.done(async () => {
      await Promise.all(sites.map(({ gateway }) => gateway.start()));
      await sites[0]?.gateway.broker.createTopic("t", { partitions: choice.partitions });
      for (const site of sites) await all.join(site);
    });
    await all.until(() => all.isEven);
    await all.pass(2 * choice.leaseMs);
    for (const { member } of sites) member.told.length = 0;
    return all;
  }

  /** Virtual time. */
  get now(): number {
    return this.#host.clock.monotonic();
  }

  /** Whether the members own equal parts of the topic. */
  get isEven(): boolean {
    const { gateways, partitions } = this.#choice;
    return this.sites.every(({ member }) => member.owned.size * gateways === partitions);
  }

  /** The member at this gateway joins the group. */
  async join({ gateway, member }: Site): Promise<void> {
    const { instancesMs } = this.#choice;
    const spec = { group: "g", topics: ["t"] };
    const instance = `at ${this.sites.findIndex((site) => site.member === member)}`;
    const more = instancesMs === undefined ? {} : { instance, sessionTimeoutMs: instancesMs };
    member.membership = await gateway.broker.join({ ...spec, ...more }, member);
  }

  /** Lets time pass until this is done. */
  async done(work: () => Promise<void>): Promise<void> {
    let isDone = false;
    const working = work().finally(() => isDone = true);
    await this.until(() => isDone);
    await working;
  }

  /** Lets so much time pass, to the next tick. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    while (this.now < until) await this.#tick();
  }

  /** The time that passes until it holds; fails after an hour. */
  async until(holds: () => boolean): Promise<number> {
    const begun = this.now;
    for (await settled(); !holds(); await this.#tick()) {
      if (this.now - begun > 3_600_000) throw new Error("It has not happened in an hour");
    }
    return this.now - begun;
  }

  async #tick(): Promise<void> {
    await this.#host.clock.advance(TICK_MS);
    for (const { gateway, isDead } of this.sites) if (!isDead) gateway.tick();
    await settled();
  }
}
