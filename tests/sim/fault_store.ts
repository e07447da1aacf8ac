/**
 * The store of a simulated world: the one in memory, behind a link that loses, delays and repeats.
 * Each gateway has a link of its own; when the gateway is dead nobody hears answers any more, but what
 * it has sent may arrive yet.
 */

import { STORE } from "../../src/limits.ts";
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
import type { World } from "./world.ts";

/** What can happen to a write, and how likely it is. */
export const FAULTS = {
  /** It never arrives. */
  lostRequest: 0,
  /** It is stored, and nobody is told. */
  lostReply: 0,
  /** It arrives after its sender has given up. */
  late: 0,
  /** It arrives twice, the second time later. */
  duplicate: 0,
  /** An error, with nothing stored. */
  throwBefore: 0,
  /** An error, though it is stored. */
  throwAfter: 0,
  /** It is stored, and the sender is told that a check failed. */
  falseConflict: 0,
  /** The answer takes long. */
  slow: 0,
  /** A read fails. */
  readError: 0,
};

/** What can happen besides, where several gateways share the store. */
export const SHARED_FAULTS = {
  /** A change is not told to who watches. */
  silentWatch: 0,
  /** It is told twice, and late. */
  staleWatch: 0,
};

export type Fault = keyof typeof FAULTS | keyof typeof SHARED_FAULTS;
export type Odds = Record<keyof typeof FAULTS, number> & Partial<Record<Fault, number>>;

/** What all links of a world share. */
export class FaultyStore {
  readonly world: World;
  readonly stored: MemoryStore;
  odds: Odds = FAULTS;
  /** How often each fault struck. */
  readonly struck: Record<Fault, number> = { ...FAULTS, ...SHARED_FAULTS };

  constructor(world: World, { shared = false } = {}) {
    this.world = world;
    this.stored = new MemoryStore({ shared });
  }

  /** `isCut`: nothing gets through for now. */
  link(isDead: () => boolean, isCut: () => boolean = () => false): Store {
    return new Link(this, isDead, isCut);
  }

  strikes(fault: Fault): boolean {
    if (!this.world.chance(this.odds[fault] ?? 0)) return false;
    this.struck[fault]++;
    return true;
  }
}

const UNKNOWN: WriteResult = { outcome: "unknown", cause: "the link" };

class Link implements Store {
  readonly #shared: FaultyStore;
  readonly #isDead: () => boolean;
  readonly #isCut: () => boolean;

  constructor(shared: FaultyStore, isDead: () => boolean, isCut: () => boolean) {
    this.#shared = shared;
    this.#isDead = isDead;
    this.#isCut = isCut;
  }

  get shared(): boolean {
    return this.#shared.stored.shared;
  }

  read(keys: readonly Key[]): Promise<Entry[]> {
    return this.#ask(() => this.#shared.stored.read(keys));
  }

  scan(range: Range): Promise<Entry[]> {
    return this.#ask(() => this.#shared.stored.scan(range));
  }

  write(write: Write): Promise<WriteResult> {
    const { world, stored } = this.#shared;
    return new Promise((resolve) => {
      const answer = (result: WriteResult, ms: number) =>
        world.after(ms, () => this.#isDead() || resolve(result));
      const arrive = async (ms: number) => {
        await world.sleep(ms);
        const result = await stored.write(write);
        world.trace(`write of ${write.mutations.length} arrives: ${result.outcome}`);
        return result;
      };
      this.#deliver(arrive, answer);
    });
  }

  watch(keys: readonly Key[], changed: (entries: readonly Entry[]) => void): () => void {
    const shared = this.#shared;
    const { world } = shared;
    let stopped = false;
    const tell = (entries: readonly Entry[], ms: number) =>
      world.after(ms, () => stopped || this.#isDead() || changed(entries));
    const stop = shared.stored.watch(keys, (entries) => {
      if (this.#isCut() || shared.strikes("silentWatch")) return;
      if (shared.strikes("staleWatch")) tell(entries, world.between(10, 2_000));
      tell(entries, world.between(0.1, 3));
    });
    return () => {
      stopped = true;
      stop();
    };
  }

  close(): void {}

  async #deliver(
    arrive: (ms: number) => Promise<WriteResult>,
    answer: (result: WriteResult, ms: number) => void,
  ): Promise<void> {
    const shared = this.#shared;
    const { world } = shared;
    const ms = world.between(0.1, 2);
    if (this.#isCut()) return answer(UNKNOWN, STORE.callMs);
    if (shared.strikes("lostRequest")) return answer(UNKNOWN, STORE.callMs);
    if (shared.strikes("throwBefore")) return answer(UNKNOWN, ms);
    if (shared.strikes("late")) {
      arrive(STORE.callMs + world.between(100, 8_000));
      return answer(UNKNOWN, STORE.callMs);
    }
    if (shared.strikes("duplicate")) arrive(ms + world.between(1, 5_000));
    const result = await arrive(ms);
    if (shared.strikes("lostReply")) return answer(UNKNOWN, STORE.callMs - ms);
    if (shared.strikes("throwAfter")) return answer(UNKNOWN, ms);
    if (shared.strikes("falseConflict")) return answer({ outcome: "conflict" }, ms);
    return answer(result, shared.strikes("slow") ? world.between(100, STORE.callMs - 10) : ms);
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    const { world } = this.#shared;
    await world.sleep(world.between(0.1, 1));
    if (this.#isDead()) return await new Promise(() => {});
    if (this.#isCut()) {
      await world.sleep(STORE.callMs);
      if (this.#isDead()) return await new Promise(() => {});
      throw unreadable("the link is cut");
    }
    if (this.#shared.strikes("readError")) throw unreadable("the link broke");
    const answer = await ask();
    await world.sleep(world.between(0.1, 1));
    return this.#isDead() ? await new Promise(() => {}) : answer;
  }
}
