/**
 * One gateway: the parts assembled over a store and a host, without a network. `main.ts` opens the
 * listeners that hand it their sockets; a simulated world hands it simulated ones.
 */

import { Broker } from "./broker.ts";
import type { Settings } from "./config.ts";
import { Hub } from "./fanout/hub.ts";
import type { GroupPeers } from "./group/group.ts";
import { Groups } from "./group/groups.ts";
import { type Host, newId, sleep } from "./host/host.ts";
import { anyone, type Authenticate } from "./identity/identity.ts";
import { Subjects } from "./identity/subjects.ts";
import { DRAIN_APART_MS, LATE_MS, SESSION, TICK_MS } from "./limits.ts";
import { Log } from "./log/log.ts";
import { Upkeep } from "./log/upkeep.ts";
import { type Fleet, type FleetListener, joinFleet } from "./peers/fleet.ts";
import type { News } from "./peers/news.ts";
import { Producers } from "./producers.ts";
import { Muting } from "./session/muting.ts";
import { Session, type SessionContext } from "./session/session.ts";
import { Turn } from "./session/turn.ts";
import type { Wire } from "./session/wire.ts";
import { keys } from "./store/keys.ts";
import type { Store } from "./store/store.ts";

export interface GatewayOptions {
  readonly store: Store;
  readonly host: Host;
  readonly settings: Settings;
  /** Name and version, for clients. */
  readonly server: string;
  /** Checks tokens; absent: tokens are ignored, and everything is allowed. */
  readonly authenticate?: Authenticate;
}

export class Gateway {
  readonly log: Log;
  readonly broker: Broker;
  /** What each subject uses of this gateway. */
  readonly subjects: Subjects;
  readonly #hub: Hub;
  readonly #muting: Muting;
  readonly #groups: Groups;
  readonly #fleet: Fleet;
  readonly #store: Store;
  readonly #host: Host;
  readonly #settings: Settings;
  readonly #upkeep: Upkeep;
  readonly #sessions = new Set<Session>();
  /** Where the next tick continues in the sessions. */
  #ticking = this.#sessions.values();
  readonly #context: SessionContext;
  #draining = false;
  #tickedAt = Infinity;
  readonly #leaving = new AbortController();
  readonly #lost = new AbortController();

  constructor(options: GatewayOptions) {
    const { store, host, settings, server, authenticate = anyone } = options;
    const { autoPartitions, heartbeatMs, sessionTimeoutMs, leaseMs } = settings;
    this.#store = store;
    this.#host = host;
    this.#settings = settings;
    this.log = new Log(store, host, autoPartitions);
    this.#muting = new Muting(() => this.log.isBehind);
    this.#upkeep = new Upkeep(store, host, this.log);
    this.#hub = new Hub(this.log, host.clock);
    this.log.listener = this.#hub;
    this.log.topics.onRemoved((topic) => this.#hub.removed(topic));
    const { socketsPerSubject, publishRecords, publishBytes } = settings.limits;
    this.subjects = new Subjects(host.clock, {
      sockets: socketsPerSubject,
      records: publishRecords,
      bytes: publishBytes,
    });
    const gateway = newId(host);
    const { log } = this;
    const peers: GroupPeers = {
      isAlive: (id) => this.#fleet.isAlive(id),
      changed: (group) => this.#fleet.changed(group),
    };
    this.#groups = new Groups({ store, host, log, gateway, peers, sessionTimeoutMs });
    const { journal } = log;
    const listener = this.#fleetListener();
    // Last of the journal's sources: it announces what the others write.
    this.#fleet = joinFleet({ store, host, gateway, leaseMs, journal, listener });
    log.topics.onChanged((name) => this.#fleet.topicChanged(name));
    const producers = new Producers(store, host);
    this.broker = new Broker({ log: this.log, hub: this.#hub, groups: this.#groups, producers });
    this.#context = {
      host,
      broker: this.broker,
      turn: new Turn(),
      muting: this.#muting,
      authenticate,
      subjects: this.subjects,
      server,
      heartbeatMs,
      sessionTimeoutMs,
      ended: (session) => this.#sessions.delete(session),
    };
  }

  /** Aborts when draining begins, for what has no session, such as event streams. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Fires when it has been out of touch with the store for too long: the process must end. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Joins the other gateways on its store, or takes over from the previous process. */
  async start(): Promise<void> {
    await this.#fleet.start();
    if (!this.#store.shared) await this.#groups.takeUp();
  }

  /** Begins a session on a new socket. */
  connect(wire: Wire): Session {
    const session = new Session(wire, this.#context);
    this.#sessions.add(session);
    if (this.#draining) session.drain(0);
    return session;
  }

  /** Numbers of sessions and topics, by their names in metrics. */
  get gauges(): Readonly<Record<string, number>> {
    return {
      sessions: this.#sessions.size,
      sessions_muted: this.#muting.count,
      topics: [...this.log.loaded()].length,
    };
  }

  /** Whether it may get traffic: the store answers, and it is not draining. */
  async ready(): Promise<boolean> {
    if (this.#draining) return false;
    try {
      await this.#store.read([keys.store()]);
      return true;
    } catch {
      return false;
    }
  }

  /** Acts on every deadline that has passed. Called every `TICK_MS`. */
  tick(): void {
    const now = this.#host.clock.monotonic();
    const lateMs = now - this.#tickedAt;
    this.#tickedAt = now;
    if (lateMs >= LATE_MS) { for (const session of this.#sessions) session.excuse(lateMs); }
    this.#fleet.tick(now);
    this.log.tick(now);
    this.#hub.tick(now);
    this.#groups.tick(now);
    this.#upkeep.tick(now);
    this.#tickSessions(now);
    this.#muting.tick(now);
  }

  /** Only a share of them in each tick: ten thousand idle sessions would take a tenth of a core. */
  #tickSessions(now: number): void {
    const lookMs = Math.min(SESSION.lookMs, this.#settings.heartbeatMs / 10);
    const turns = Math.max(1, Math.floor(lookMs / TICK_MS));
    for (let left = Math.ceil(this.#sessions.size / turns); left > 0; left--) {
      let next = this.#ticking.next();
      if (next.done) {
        this.#ticking = this.#sessions.values();
        next = this.#ticking.next();
      }
      next.value?.tick(now);
    }
  }

  /**
   * Drains: tells clients when to reconnect, hands partitions over, answers open requests. Resolves
   * when done, or when time is up.
   */
  async drain(): Promise<void> {
    const { clock } = this.#host;
    const { drainMs } = this.#settings;
    const begun = clock.monotonic();
    const deadline = begun + drainMs;
    this.#draining = true;
    this.#leaving.abort();
    const leaving = [...this.#sessions];
    const apartMs = Math.min(DRAIN_APART_MS, drainMs / leaving.length);
    leaving.forEach((session, at) => session.drain(Math.floor(at * apartMs)));
    await Promise.race([this.#groups.drain(), sleep(clock, drainMs)]);
    while (clock.monotonic() < deadline && !this.#isDrained) await sleep(clock, TICK_MS);
    // Each when it was told to, so that they do not all reach the other gateways at once.
    for (const [at, session] of leaving.entries()) {
      const leftMs = Math.min(begun + at * apartMs, deadline) - clock.monotonic();
      if (leftMs > TICK_MS) await sleep(clock, leftMs);
      session.endDrained();
    }
    for (const session of this.#sessions) session.endDrained();
    await Promise.race([this.#quiet(), sleep(clock, Math.max(0, deadline - clock.monotonic()))]);
  }

  async close(): Promise<void> {
    this.log.journal.close();
    await this.#upkeep.stop();
    await this.#fleet.leave();
  }

  #fleetListener(): FleetListener {
    return {
      heard: (news, missed) => this.#hear(news, missed),
      died: (gateway) => this.#groups.gatewayDied(gateway),
      missed: () => void this.log.catchUpAll().catch(() => {}), // it is checked again soon
      slept: () => {
        this.log.catchUpAll().catch(() => {});
        this.#groups.reload();
      },
      suspended: () => this.#groups.suspend(),
      lost: () => this.#lost.abort(),
    };
  }

  /** Another gateway has changed something: rereads what is in use here. */
  async #hear({ stripes, groups, topics }: News, missed: boolean): Promise<void> {
    this.#groups.reload(missed ? undefined : groups.map(({ name }) => name));
    await (missed ? this.log.catchUpAll() : this.log.grown(stripes));
    for (const { name } of topics) {
      if (this.log.topics.cached(name)) await this.log.topics.refresh(name);
    }
  }

  get #isDrained(): boolean {
    if (this.#groups.isReleasing) return false;
    for (const session of this.#sessions) if (!session.isQuiet) return false;
    return true;
  }

  /** Resolves when nothing is being written. */
  async #quiet(): Promise<void> {
    await this.#groups.idle();
    await this.log.journal.idle();
  }
}
