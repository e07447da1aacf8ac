/**
 * This gateway among those on the same store: announces that it is alive and what it changes, hears
 * the same from the others, and notices when it has been out of touch for too long.
 *
 *     in touch ──no renewal for a lease──► suspended ──for another──► lost: the process is to end
 *         ▲                                   │
 *         └───────────renewed─────────────────┘
 *
 * A gateway that is out of touch may have been taken for dead by the others: it no longer knows
 * what its members own. Only the end of the process is certain to end its writes.
 */

import type { Host } from "../host/host.ts";
import type { Journal } from "../log/journal.ts";
import type { Store } from "../store/store.ts";
import { Announcer } from "./announcer.ts";
import { NewsBoard } from "./news.ts";
import { Peers, type PeersListener } from "./peers.ts";

export interface Fleet {
  /** Resolves when the others can see this gateway. */
  start(): Promise<void>;
  tick(now: number): void;
  /** Whether a gateway is alive, as far as is known. */
  isAlive(gateway: string): boolean;
  /** A group's state was changed here. */
  changed(group: string): void;
  /** A topic was made, changed or deleted here. */
  topicChanged(topic: string): void;
  /** Tells the others not to wait for this gateway any more. */
  leave(): Promise<void>;
}

/** Acts on what the others tell, and on being out of touch. */
export interface FleetListener extends PeersListener {
  suspended(): void;
  lost(): void;
}

export interface FleetOptions {
  readonly store: Store;
  readonly host: Host;
  /** This gateway. */
  readonly gateway: string;
  readonly leaseMs: number;
  readonly journal: Journal;
  readonly listener: FleetListener;
}

export function joinFleet(options: FleetOptions): Fleet {
  return options.store.shared ? new SharedFleet(options) : alone(options.gateway);
}

/** No other gateway uses the store: those that it names belong to earlier processes. */
function alone(self: string): Fleet {
  return {
    start: () => Promise.resolve(),
    tick() {},
    isAlive: (gateway) => gateway === self,
    changed() {},
    topicChanged() {},
    leave: () => Promise.resolve(),
  };
}

class SharedFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #board = new NewsBoard();
  readonly #announcer: Announcer;
  readonly #peers: Peers;
  readonly #started = Promise.withResolvers<void>();
  #renewedAt = Infinity;
  #state: "in touch" | "suspended" | "lost" = "in touch";

  constructor(options: FleetOptions) {
    const { store, host, gateway, leaseMs, journal, listener } = options;
    this.#options = options;
    const news = { store, clock: host.clock, gateway, board: this.#board };
    this.#announcer = new Announcer(news, {
      renewed: (at) => this.#renewed(at),
      expelled: () => listener.slept(),
    });
    this.#peers = new Peers(store, host, { self: gateway, leaseMs, listener });
    journal.add(this.#announcer, Announcer.room);
  }

  async start(): Promise<void> {
    this.#announce();
    await this.#started.promise;
  }

  tick(now: number): void {
    this.#peers.tick(now);
    const { leaseMs, listener } = this.#options;
    const silentMs = now - this.#renewedAt;
    if (silentMs >= leaseMs / 4) this.#announce();
    if (silentMs >= leaseMs && this.#state === "in touch") {
      this.#state = "suspended";
      listener.suspended();
    }
    if (silentMs >= 2 * leaseMs && this.#state === "suspended") {
      this.#state = "lost";
      listener.lost();
    }
  }

  isAlive(gateway: string): boolean {
    return this.#peers.isAlive(gateway);
  }

  changed(group: string): void {
    this.#board.group(group);
    this.#announce();
  }

  topicChanged(topic: string): void {
    this.#board.topic(topic);
    this.#announce();
  }

  async leave(): Promise<void> {
    this.#peers.close();
    await this.#announcer.leave();
  }

  #announce(): void {
    this.#announcer.due();
    this.#options.journal.wake();
  }

  #renewed(at: number): void {
    const { host: { clock }, leaseMs } = this.#options;
    this.#renewedAt = at;
    const isCurrent = clock.monotonic() - at < leaseMs;
    if (!isCurrent) return this.#announce();
    if (this.#state === "suspended") this.#state = "in touch";
    this.#started.resolve();
  }
}
