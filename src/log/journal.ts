/**
 * The single writer of a gateway. What its sources want stored goes into one atomic write, and the
 * next write begins as soon as the last one is settled (group commit). Latency is one sync when
 * idle, and writes grow under load.
 *
 * Decide, write, then reply: a source decides when it is asked for its part, and replies only after
 * the part is stored, while the next write is in progress.
 */

import { AssertionFailed } from "../assert.ts";
import { type Host, sleep } from "../host/host.ts";
import { LOG, STORE } from "../limits.ts";
import { keyBytes } from "../store/bounds.ts";
import type { Check, Mutation, Store } from "../store/store.ts";
import type { StripePlace } from "./append.ts";
import { type Evidence, settle, type Settled, Unsettled } from "../store/transact.ts";

/** The room that is left in a write. */
export interface Room {
  checks: number;
  mutations: number;
  bytes: number;
  /** Bytes of keys alone, which the store limits separately. */
  keyBytes: number;
}

/** What one source adds to a write. It is stored with the whole write or not at all. */
export interface Part {
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  /** Bytes of keys and values. */
  readonly bytes: number;
  /** Stripes that it appends to, as they are when it is stored. */
  readonly grown?: readonly StripePlace[];
  /** What shows in the store that this part, and so the whole write, was stored. */
  readonly evidence: Evidence;
  /**
   * It is durable: applies it in memory. Returns what sends the replies, which is called once the
   * next write is in progress.
   */
  stored(version: string): () => void;
  /** It was not stored and never will be: rereads what it needs, and queues its work again. */
  refused(): Promise<void>;
  /** The outcome is late: answers `timeout`. `stored` or `refused` may still follow. */
  overdue(): void;
}

export interface Source {
  /**
   * Takes what is waiting, as far as there is room; undefined if nothing is waiting or fits.
   * `parts` are those of the sources before it.
   */
  take(room: Room, parts: readonly Part[]): Part | undefined;
}

export class Journal {
  readonly #store: Store;
  readonly #host: Host;
  readonly #sources: { readonly source: Source; readonly reserved: Room }[] = [];
  /** Tasks to run while nothing is being written. */
  #chores: (() => Promise<void>)[] = [];
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #woken = false;

  constructor(store: Store, host: Host) {
    this.#store = store;
    this.#host = host;
  }

  /** Adds a source after the others, which leave it the room that is `reserved`. */
  add(source: Source, reserved: Room = { checks: 0, mutations: 0, bytes: 0, keyBytes: 0 }): void {
    this.#sources.push({ source, reserved });
  }

  /** Runs `chore` as soon as nothing is being written, and before anything else is. */
  between(chore: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#chores.push(() => chore().then(resolve, reject));
      this.#start();
    });
  }

  /** A source has something to write. */
  wake(): void {
    this.#woken = true;
    this.#start();
  }

  get isWriting(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when nothing is being written and no source has anything to write. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Gives up writes that are not settled; their outcome stays unknown. */
  close(): void {
    this.#closing.abort();
  }

  /** If the loop fails, nothing is written any more: as an assertion, that ends the process. */
  #start(): void {
    this.#running ??= this.#run().catch((error) => {
      if (error instanceof AssertionFailed) throw error;
      throw new AssertionFailed("the journal goes on, whatever is told", { cause: error });
    });
  }

  async #run(): Promise<void> {
    await undefined; // everything from this turn shares the first write
    let tellings: (() => void)[] = [];
    while ((this.#woken || this.#chores.length > 0) && !this.#closing.signal.aborted) {
      if (this.#chores.length > 0) {
        // What was stored before is announced before what the chores learn.
        tellAll(tellings);
        for (const chore of this.#chores.splice(0)) await chore();
      }
      this.#woken = false; // a source that wakes during the gathering may have been passed already
      const parts = this.#gather();
      const writing = parts.length > 0 ? this.#write(parts) : undefined;
      if (writing) this.#woken = true;
      tellAll(tellings);
      tellings = writing ? await writing : [];
    }
    this.#running = undefined;
  }

  #gather(): Part[] {
    const room: Room = {
      checks: STORE.checks,
      mutations: STORE.mutations,
      bytes: STORE.writeBytes,
      keyBytes: STORE.keyBytes,
    };
    for (const { reserved } of this.#sources) take(room, reserved);
    const parts: Part[] = [];
    for (const { source, reserved } of this.#sources) {
      give(room, reserved);
      const part = source.take(room, parts);
      if (!part) continue;
      parts.push(part);
      take(room, roomOf(part));
    }
    return parts;
  }

  async #write(parts: readonly Part[]): Promise<(() => void)[]> {
    const settled = await this.#settle(parts);
    if (settled === "given up") return [];
    if (settled.stored) return parts.map((part) => part.stored(settled.version));
    this.#host.telemetry.count("store_writes_refused_total");
    await Promise.all(parts.map((part) => this.#refused(part)));
    return [];
  }

  async #settle(parts: readonly Part[]): Promise<Settled | "given up"> {
    const { clock, telemetry } = this.#host;
    const write = {
      checks: parts.flatMap((part) => part.checks),
      mutations: parts.flatMap((part) => part.mutations),
    };
    const begun = clock.monotonic();
    const overdue = () => parts.forEach((part) => part.overdue());
    telemetry.count("store_writes_total");
    try {
      return await settle(this.#store, this.#host, write, parts[0]?.evidence, {
        deadlineMs: LOG.publishMs,
        overdue,
        signal: this.#closing.signal,
      });
    } catch (error) {
      if (!(error instanceof Unsettled)) throw error;
      overdue();
      return "given up";
    } finally {
      telemetry.observe("store_write_ms", clock.monotonic() - begun);
    }
  }

  /** Until the store can be read again, nothing else can be written either. */
  async #refused(part: Part): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        return await part.refused();
      } catch (error) {
        if (error instanceof AssertionFailed) throw error;
        await sleep(this.#host.clock, LOG.rereadMs);
      }
    }
  }
}

/** Empties the list: its owner, who then awaits a write, would keep all that was answered so long. */
function tellAll(tellings: (() => void)[]): void {
  for (const tell of tellings.splice(0)) tell();
}

/** The room that a part takes. */
function roomOf({ checks, mutations, bytes }: Part): Room {
  const keys = [...checks, ...mutations].map(({ key }) => keyBytes(key));
  return {
    checks: checks.length,
    mutations: mutations.length,
    bytes,
    keyBytes: keys.reduce((sum, bytes) => sum + bytes, 0),
  };
}

function take(from: Room, room: Room): void {
  from.checks -= room.checks;
  from.mutations -= room.mutations;
  from.bytes -= room.bytes;
  from.keyBytes -= room.keyBytes;
}

function give(to: Room, room: Room): void {
  to.checks += room.checks;
  to.mutations += room.mutations;
  to.bytes += room.bytes;
  to.keyBytes += room.keyBytes;
}
