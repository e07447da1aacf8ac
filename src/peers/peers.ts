/**
 * The other gateways on the same store: which of them are alive, and what they tell.
 *
 * 1. A gateway is dead when its news have not changed for a lease, on this gateway's own monotonic
 *    clock and over several looks. Clocks of different gateways are never compared.
 * 2. A gateway that has slept itself knows nothing of that time, and starts observing again.
 * 3. One whose news are gone has left, or was found dead by another.
 *
 * The news are watched, and also read now and then, since a watch may hang silently. A dead
 * gateway's last news may have been missed: so the log itself is checked when a gateway dies, after
 * a gap in looking, and every `checkMs`.
 */

import { assert } from "../assert.ts";
import type { Host } from "../host/host.ts";
import { PEERS, STORE } from "../limits.ts";
import { keys } from "../store/keys.ts";
import { scanAll } from "../store/scan_all.ts";
import type { Entry, Store } from "../store/store.ts";
import { decodeNews, type News, newSince } from "./news.ts";

/** Acts on what the others tell. */
export interface PeersListener {
  /**
   * Another gateway has changed these; `missed`: and others that are not named. If this rejects,
   * they are reported again with that gateway's next news.
   */
  heard(news: News, missed: boolean): Promise<void>;
  /** A gateway has died or left. */
  died(gateway: string): void;
  /** Others may have appended anywhere, without this gateway having heard of it. */
  missed(): void;
  /** This gateway has slept, or was taken for dead: anything may have changed. */
  slept(): void;
}

interface Peer {
  version: string;
  counter: number;
  /** When it was last seen to change, and how often it was looked at since. */
  changedAt: number;
  looks: number;
}

export class Peers {
  readonly #store: Store;
  readonly #host: Host;
  readonly #self: string;
  readonly #leaseMs: number;
  readonly #listener: PeersListener;
  readonly #known = new Map<string, Peer>();
  readonly #dead = new Set<string>();
  /** Gateways that were asked about and not seen yet, with the number of the look that decides. */
  readonly #unseen = new Map<string, number>();
  #looks = 0;
  #looking = false;
  #lookAt = 0;
  #lookedAt = 0;
  #checkAt = 0;
  #tickedAt: number | undefined;
  #stopWatching: () => void = () => {};
  #watchAnewAt = 0;
  #watched = "";

  constructor(
    store: Store,
    host: Host,
    options: { readonly self: string; readonly leaseMs: number; readonly listener: PeersListener },
  ) {
    this.#store = store;
    this.#host = host;
    this.#self = options.self;
    this.#leaseMs = options.leaseMs;
    this.#listener = options.listener;
  }

  /**
   * Whether a gateway is alive, as far as is known. One that was never seen is, until two looks
   * have not found it.
   */
  isAlive(gateway: string): boolean {
    if (gateway === this.#self || this.#known.has(gateway)) return true;
    if (this.#dead.has(gateway)) return false;
    // A look in progress may have begun before it came.
    if (!this.#unseen.has(gateway)) this.#unseen.set(gateway, this.#looks + 2);
    return true;
  }

  tick(now: number): void {
    if (this.#tickedAt !== undefined && now - this.#tickedAt > this.#leaseMs / 3) this.#slept(now);
    this.#tickedAt = now;
    if (now >= this.#lookAt && !this.#looking) this.#look();
  }

  close(): void {
    this.#stopWatching();
  }

  #slept(now: number): void {
    for (const peer of this.#known.values()) {
      peer.changedAt = now;
      peer.looks = 0;
    }
    this.#listener.slept();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const number = ++this.#looks;
    try {
      const found: Entry[] = [];
      for await (const entry of scanAll(this.#store, keys.allNews())) found.push(entry);
      this.#looked(found, number);
    } catch (error) {
      this.#host.telemetry.report("warn", "The other gateways cannot be seen", { error });
    } finally {
      this.#looking = false;
      this.#lookAt = this.#host.clock.monotonic() + Math.min(PEERS.lookMs, this.#leaseMs / 4);
    }
  }

  #looked(found: readonly Entry[], number: number): void {
    const now = this.#host.clock.monotonic();
    if (now - this.#lookedAt > this.#leaseMs / 2 || now >= this.#checkAt) {
      this.#checkAt = now + PEERS.checkMs;
      this.#listener.missed();
    }
    this.#lookedAt = now;
    const seen = new Set<string>();
    for (const entry of found) {
      const gateway = nameOf(entry);
      if (gateway === this.#self) continue;
      seen.add(gateway);
      this.#hear(entry);
    }
    for (const [gateway, peer] of this.#known) {
      peer.looks++;
      if (!seen.has(gateway)) this.#bury(gateway);
      else if (now - peer.changedAt >= this.#leaseMs && peer.looks >= PEERS.looks) {
        this.#expel(gateway, peer);
      }
    }
    for (const [gateway, decides] of this.#unseen) {
      if (this.#known.has(gateway)) this.#unseen.delete(gateway);
      else if (number >= decides) this.#bury(gateway);
    }
    this.#watch(now);
  }

  /** Handles the present value of a gateway's news. */
  #hear(entry: Entry): void {
    const gateway = nameOf(entry);
    if (gateway === this.#self) return;
    if (!entry.value || entry.version === null) {
      if (this.#known.has(gateway)) this.#lookAt = 0; // it has left: a look makes sure
      return;
    }
    const peer = this.#known.get(gateway);
    if (peer && entry.version <= peer.version) return;
    const news = decodeNews(entry.value);
    const before = peer?.counter ?? 0;
    const changedAt = this.#host.clock.monotonic();
    const { version } = entry;
    this.#known.set(gateway, { version, counter: news.counter, changedAt, looks: 0 });
    this.#dead.delete(gateway);
    this.#listener.heard(newSince(news, before), before < news.since).catch((error) => {
      this.#host.telemetry.report("warn", "News could not be followed up", { error });
      const known = this.#known.get(gateway);
      if (known) known.counter = Math.min(known.counter, before);
    });
  }

  /** Deletes its news, so that all its writes are refused from now on. */
  #expel(gateway: string, { version }: Peer): void {
    this.#host.telemetry.report("warn", "A gateway is taken for dead", { gateway });
    const key = keys.news(gateway);
    const mutations = [{ type: "delete", key }] as const;
    // One gateway succeeds; if none does, the next look finds it again.
    this.#store.write({ checks: [{ key, version }], mutations });
    this.#bury(gateway);
  }

  #bury(gateway: string): void {
    this.#known.delete(gateway);
    this.#unseen.delete(gateway);
    this.#dead.add(gateway);
    for (const oldest of this.#dead) {
      if (this.#dead.size <= PEERS.deadKept) break;
      this.#dead.delete(oldest);
    }
    this.#listener.missed();
    this.#listener.died(gateway);
  }

  /** Watches the news of all known gateways; starts again when these change, and now and then. */
  #watch(now: number): void {
    const gateways = [...this.#known.keys()].sort();
    const names = gateways.join();
    if (names === this.#watched && now < this.#watchAnewAt) return;
    this.#watched = names;
    this.#watchAnewAt = now + PEERS.watchMs;
    this.#stopWatching();
    const stops: (() => void)[] = [];
    for (let at = 0; at < gateways.length; at += STORE.watchKeys) {
      const watched = gateways.slice(at, at + STORE.watchKeys).map(keys.news);
      stops.push(
        this.#store.watch(watched, (entries) => entries.forEach((one) => this.#hear(one))),
      );
    }
    this.#stopWatching = () => stops.forEach((stop) => stop());
  }
}

function nameOf({ key }: Entry): string {
  const [, gateway] = key;
  assert(typeof gateway === "string", "news are keyed by the name of a gateway");
  return gateway;
}
