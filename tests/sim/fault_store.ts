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
import { Doubts, type Found } from "./doubts.ts";
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

/** Further faults in a harsh world. */
export const HARSH_FAULTS = {
  /** A read takes long: what it tells is old, or its answer comes after the patience of who asks. */
  slowRead: 0,
};

export type Fault =
  | keyof typeof FAULTS
  | keyof typeof SHARED_FAULTS
  | keyof typeof HARSH_FAULTS;
export type Odds = Record<keyof typeof FAULTS, number> & Partial<Record<Fault, number>>;

/** The gateway's end of a link. */
export interface LinkEnd {
  /** Runs this when the gateway can act, or never. */
  act(run: () => void): void;
  /** Nothing gets through at present. */
  readonly isCut: boolean;
}

/** Outcomes of writes whose sender was not told, or was told the wrong thing. */
export type Fate = Found | "lateWriteRefused" | "lateWriteStored" | "writeMinutesLate";

/** How late a write may arrive after its sender has given up. */
const LATE_MS = [100, 8_000] as const;
const MINUTE_MS = 60_000;

export interface FaultyStoreOptions {
  readonly shared?: boolean;
  /** How late the latest write may arrive; absent: some seconds. */
  readonly latestMs?: number;
}

/** Shared by all links of a world. */
export class FaultyStore {
  readonly world: World;
  readonly stored: MemoryStore;
  odds: Odds = FAULTS;
  /** How often each fault happened. */
  readonly struck: Record<Fault, number> = { ...FAULTS, ...SHARED_FAULTS, ...HARSH_FAULTS };
  readonly fates: Record<Fate, number> = {
    unknownFoundStored: 0,
    unknownFoundNotStored: 0,
    lateWriteRefused: 0,
    lateWriteStored: 0,
    writeMinutesLate: 0,
  };
  readonly #latestMs: number | undefined;
  #stalledUntil = 0;

  constructor(world: World, { shared = false, latestMs }: FaultyStoreOptions = {}) {
    this.world = world;
    this.stored = new MemoryStore({ shared });
    this.#latestMs = latestMs;
  }

  /** It does nothing for so long; what it was sent meanwhile it does afterwards. */
  stall(ms: number): void {
    this.#stalledUntil = this.world.now + ms;
  }

  /** How much longer it does nothing. */
  get stalledMs(): number {
    return Math.max(0, this.#stalledUntil - this.world.now);
  }

  /** By how much a write is late: most by little, if some may be by much. */
  lateness(): number {
    const [least, most] = LATE_MS;
    const { world } = this;
    if (this.#latestMs === undefined) return world.between(least, most);
    const ms = least * (this.#latestMs / least) ** world.random();
    if (ms > MINUTE_MS) this.fates.writeMinutesLate++;
    return ms;
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
  readonly #doubts: Doubts;

  constructor(shared: FaultyStore, end: LinkEnd) {
    this.#shared = shared;
    this.#end = end;
    this.#doubts = new Doubts((found) => shared.fates[found]++);
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
        world.after(ms, () =>
          this.#end.act(() => {
            if (result.outcome === "stored") this.#doubts.answered(write);
            resolve(result);
          }));
      const unanswered = (result: WriteResult, ms: number) =>
        world.after(ms, () =>
          this.#end.act(() => {
            this.#doubts.raise(write);
            resolve(result);
          }));
      const arrive = async (ms: number) => {
        await world.sleep(ms);
        const result = await stored.write(write);
        if (result.outcome === "stored") this.#doubts.stored(write, result.version);
        world.trace(`write of ${write.mutations.length} arrives: ${result.outcome}`);
        return result;
      };
      this.#deliver(arrive, answer, unanswered);
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
    unanswered: (result: WriteResult, ms: number) => void,
  ): Promise<void> {
    const shared = this.#shared;
    const { world, stalledMs } = shared;
    const backMs = world.between(0.1, 2);
    const ms = stalledMs + backMs;
    if (this.#end.isCut) return unanswered(UNKNOWN, STORE.callMs);
    if (shared.strikes("lostRequest")) return unanswered(UNKNOWN, STORE.callMs);
    if (shared.strikes("throwBefore")) return unanswered(UNKNOWN, backMs);
    if (shared.strikes("late")) {
      this.#straggle(arrive(STORE.callMs + stalledMs + shared.lateness()));
      return unanswered(UNKNOWN, STORE.callMs);
    }
    if (ms > STORE.callMs) {
      this.#straggle(arrive(ms));
      return unanswered(UNKNOWN, STORE.callMs);
    }
    if (shared.strikes("duplicate")) this.#straggle(arrive(ms + world.between(1, 5_000)));
    const result = await arrive(ms);
    if (shared.strikes("lostReply")) return unanswered(UNKNOWN, STORE.callMs - ms);
    if (shared.strikes("throwAfter")) return unanswered(UNKNOWN, backMs);
    if (shared.strikes("falseConflict")) return unanswered({ outcome: "conflict" }, backMs);
    return answer(result, shared.strikes("slow") ? world.between(100, STORE.callMs - 10) : backMs);
  }

  /** A write that arrives when nobody waits for it any more. */
  async #straggle(arriving: Promise<WriteResult>): Promise<void> {
    const { outcome } = await arriving;
    this.#shared.fates[outcome === "stored" ? "lateWriteStored" : "lateWriteRefused"]++;
  }

  async #ask(ask: () => Promise<Entry[]>): Promise<Entry[]> {
    const shared = this.#shared;
    const { world } = shared;
    await world.sleep(world.between(0.1, 1));
    await this.#heard();
    if (this.#end.isCut) {
      await world.sleep(STORE.callMs);
      await this.#heard();
      throw unreadable("the link is cut");
    }
    if (shared.strikes("readError")) throw unreadable("the link broke");
    const isSlow = shared.odds.slowRead !== undefined && shared.strikes("slowRead");
    const slowMs = isSlow ? world.between(100, 1.2 * STORE.callMs) : 0;
    const waitMs = shared.stalledMs + slowMs;
    if (waitMs > STORE.callMs) {
      await world.sleep(STORE.callMs);
      await this.#heard();
      throw unreadable("the store is slow");
    }
    // A slow one is slow before it is read, or after.
    const isOld = isSlow && world.chance(0.5);
    if (waitMs > 0 && !isOld) await world.sleep(waitMs);
    const answer = await ask();
    if (waitMs > 0 && isOld) await world.sleep(waitMs);
    await world.sleep(world.between(0.1, 1));
    await this.#heard();
    this.#doubts.read(answer);
    return answer;
  }

  /** Resolves when the gateway can receive the answer. */
  #heard(): Promise<void> {
    return new Promise((resolve) => this.#end.act(resolve));
  }
}
