/**
 * The store of a simulated world: the one in memory, behind a link that loses, delays and repeats.
 * Each gateway has a link of its own; when the gateway is dead, it gets no answers, but what it has
 * sent may still arrive.
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

/** What can happen to a write, with its probability. */
export const FAULTS = {
  /** The request never arrives. */
  lostRequest: 0,
  /** It is stored, and the sender is not told. */
  lostReply: 0,
  /** It arrives after its sender has given up. */
  late: 0,
  /** It arrives twice, the second time later. */
  duplicate: 0,
  /** An error, and nothing is stored. */
  throwBefore: 0,
  /** An error, although it is stored. */
  throwAfter: 0,
  /** It is stored, and the sender is told that a check failed. */
  falseConflict: 0,
  /** The answer takes long. */
  slow: 0,
  /** A read fails. */
  readError: 0,
};

/** Further faults, if several gateways share the store. */
export const SHARED_FAULTS = {
  /** A watcher is not told of a change. */
  silentWatch: 0,
  /** A watcher is told twice, and late. */
  staleWatch: 0,
};

export type Fault = keyof typeof FAULTS | keyof typeof SHARED_FAULTS;
export type Odds = Record<keyof typeof FAULTS, number> & Partial<Record<Fault, number>>;

/** The gateway's end of a link. */
export interface LinkEnd {
  /** Runs this when the gateway can act, or never. */
  act(run: () => void): void;
  /** Nothing gets through at present. */
  readonly isCut: boolean;
}

/** Outcomes of writes whose sender was not told, or was told the wrong thing. */
export type Fate = "unknownFoundStored" | "unknownFoundNotStored" | "lateWriteRefused";

/** Shared by all links of a world. */
export class FaultyStore {
  readonly world: World;
  readonly stored: MemoryStore;
  odds: Odds = FAULTS;
  /** How often each fault happened. */
  readonly struck: Record<Fault, number> = { ...FAULTS, ...SHARED_FAULTS };
  readonly fates: Record<Fate, number> = {
    unknownFoundStored: 0,
    unknownFoundNotStored: 0,
    lateWriteRefused: 0,
  };

  constructor(world: World, { shared = false } = {}) {
    this.world = world;
    this.stored = new MemoryStore({ shared });
  }

  link(end: LinkEnd): Store {
    return new Link(this, end);
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
  readonly #end: LinkEnd;

  constructor(shared: FaultyStore, end: LinkEnd) {
    this.#shared = shared;
    this.#end = end;
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
        world.after(ms, () => this.#end.act(() => resolve(result)));
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
      world.after(ms, () => this.#end.act(() => stopped || changed(entries)));
    const stop = shared.stored.watch(keys, (entries) => {
      if (this.#end.isCut || shared.strikes("silentWatch")) return;
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
    const { world, fates } = shared;
    const ms = world.between(0.1, 2);
    const unanswered = (result: WriteResult, ms: number, stored: boolean) => {
      fates[stored ? "unknownFoundStored" : "unknownFoundNotStored"]++;
      answer(result, ms);
    };
    if (this.#end.isCut) return unanswered(UNKNOWN, STORE.callMs, false);
    if (shared.strikes("lostRequest")) return unanswered(UNKNOWN, STORE.callMs, false);
    if (shared.strikes("throwBefore")) return unanswered(UNKNOWN, ms, false);
    if (shared.strikes("late")) {
      this.#straggle(arrive(STORE.callMs + world.between(100, 8_000)));
      return answer(UNKNOWN, STORE.callMs);
    }
    if (shared.strikes("duplicate")) this.#straggle(arrive(ms + world.between(1, 5_000)));
    const result = await arrive(ms);
    const stored = result.outcome === "stored";
    if (shared.strikes("lostReply")) return unanswered(UNKNOWN, STORE.callMs - ms, stored);
    if (shared.strikes("throwAfter")) return unanswered(UNKNOWN, ms, stored);
    if (shared.strikes("falseConflict")) return unanswered({ outcome: "conflict" }, ms, stored);
    return answer(result, shared.strikes("slow") ? world.between(100, STORE.callMs - 10) : ms);
  }

  /** A write that arrives when nobody waits for it any more. */
  async #straggle(arriving: Promise<WriteResult>): Promise<void> {
    if ((await arriving).outcome === "conflict") this.#shared.fates.lateWriteRefused++;
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    const { world } = this.#shared;
    await world.sleep(world.between(0.1, 1));
    await this.#heard();
    if (this.#end.isCut) {
      await world.sleep(STORE.callMs);
      await this.#heard();
      throw unreadable("the link is cut");
    }
    if (this.#shared.strikes("readError")) throw unreadable("the link broke");
    const answer = await ask();
    await world.sleep(world.between(0.1, 1));
    await this.#heard();
    return answer;
  }

  /** Resolves when the gateway can receive the answer. */
  #heard(): Promise<void> {
    return new Promise((resolve) => this.#end.act(resolve));
  }
}
