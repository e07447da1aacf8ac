/**
 * What a run has come to, from what crowds tell: for each disturbance, how soon those that it touched
 * were back, how many connections came in a second, and how long records waited for their followers.
 * Pure: no clock, nothing that is waited for.
 */

import type { CrowdNews } from "./news.ts";
import type { Standstill } from "./publishing.ts";

const SECOND_MS = 1_000;

/** What is done to gateways: `none` is the calm before, to compare with. */
export type Deed = "none" | "SIGTERM" | "SIGKILL";

/** The figures of one disturbance. Times are in milliseconds; undefined: not yet. */
export interface Row {
  readonly deed: Deed;
  readonly ports: readonly number[];
  /** Clients that were at these gateways. */
  readonly clients: number;
  /** Since the signal: when so many of them were back. */
  readonly back: {
    readonly half: number | undefined;
    readonly most: number | undefined;
    readonly all: number | undefined;
  };
  /** For how long 99 of 100 had no subscription, at most. */
  readonly away: number | undefined;
  /** Connections that gateways were asked for. */
  readonly connections: number;
  readonly perSecond: PerSecond;
  /** The longest that a record waited for its follower, of 99 in 100 of these clients. */
  readonly waited: number | undefined;
  readonly standstill: Standstill;
}

/** The most connections in any one second. */
export interface PerSecond {
  readonly all: number;
  /** At any one gateway. */
  readonly one: number;
}

export interface Totals {
  readonly deliveries: number;
  readonly again: number;
  /** Why clients were told never to come back: how many for each reason. */
  readonly turnedAway: ReadonlyMap<string, number>;
  /** How long after it was published a record came: half, 99 of 100, and all of them within. */
  readonly waited: {
    readonly half: number | undefined;
    readonly most: number | undefined;
    readonly all: number | undefined;
  };
  readonly connections: number;
  readonly perSecond: PerSecond;
}

type Opening = CrowdNews["openings"][number];

export class Figures {
  readonly #gatewayOf = new Map<number, number>();
  readonly #openings: Opening[] = [];
  readonly #waits: number[] = [];
  readonly #turnedAway = new Map<string, number>();
  #again = 0;
  #disturbance: Disturbance | undefined;

  /** Clients that have followed at some time. */
  get clients(): number {
    return this.#gatewayOf.size;
  }

  /** Records that came, each counted once for each of its followers. */
  get deliveries(): number {
    return this.#waits.length;
  }

  hear(news: CrowdNews): void {
    for (const [, client, port] of news.stood) this.#gatewayOf.set(client, port);
    for (const [, afterMs] of news.came) this.#waits.push(afterMs);
    this.#again += news.again;
    for (const reason of news.turnedAway) {
      this.#turnedAway.set(reason, (this.#turnedAway.get(reason) ?? 0) + 1);
    }
    if (!this.#disturbance) return; // they connect for the first time: that is no storm
    this.#openings.push(...news.openings);
    this.#disturbance.hear(news);
  }

  /** From now on what is told belongs to this. */
  begin(deed: Deed, ports: readonly number[], at: number): Disturbance {
    const touched = [...this.#gatewayOf].filter(([, port]) => ports.includes(port));
    const clients = new Set(touched.map(([client]) => client));
    return this.#disturbance = new Disturbance({ deed, ports, clients, at });
  }

  get totals(): Totals {
    const waits = this.#waits.toSorted(ascending);
    const within = (share: number) => at(waits, share, waits.length);
    return {
      deliveries: waits.length,
      again: this.#again,
      turnedAway: this.#turnedAway,
      waited: { half: within(0.5), most: within(0.99), all: within(1) },
      connections: this.#openings.length,
      perSecond: mostPerSecond(this.#openings),
    };
  }
}

interface Begun {
  readonly deed: Deed;
  readonly ports: readonly number[];
  readonly clients: ReadonlySet<number>;
  readonly at: number;
}

export class Disturbance {
  readonly #begun: Begun;
  readonly #openings: Opening[] = [];
  /** By client: when it was back, and how long it had been away. */
  readonly #back = new Map<number, readonly [afterMs: number, awayMs: number]>();
  /** By client: the longest that a record waited for it. */
  readonly #waited = new Map<number, number>();

  constructor(begun: Begun) {
    this.#begun = begun;
  }

  get allAreBack(): boolean {
    return this.#back.size === this.#begun.clients.size;
  }

  hear({ openings, stood, came }: CrowdNews): void {
    const { clients, at } = this.#begun;
    this.#openings.push(...openings);
    for (const [when, client, , awayMs] of stood) {
      const isFirst = clients.has(client) && when >= at && !this.#back.has(client);
      if (isFirst) this.#back.set(client, [when - at, awayMs]);
    }
    for (const [client, afterMs] of came) {
      if (!clients.has(client)) continue;
      this.#waited.set(client, Math.max(afterMs, this.#waited.get(client) ?? 0));
    }
  }

  row(standstill: Standstill): Row {
    const { deed, ports, clients: { size: clients } } = this.#begun;
    const back = [...this.#back.values()].map(([afterMs]) => afterMs).sort(ascending);
    const away = [...this.#back.values()].map(([, awayMs]) => awayMs).sort(ascending);
    const waited = [...this.#waited.values()].sort(ascending);
    return {
      deed,
      ports,
      clients,
      back: {
        half: at(back, 0.5, clients),
        most: at(back, 0.99, clients),
        all: at(back, 1, clients),
      },
      away: at(away, 0.99, away.length),
      connections: this.#openings.length,
      perSecond: mostPerSecond(this.#openings),
      waited: at(waited, 0.99, waited.length),
      standstill,
    };
  }
}

/** Below which this share of so many lies; undefined if there are not that many yet. */
function at(sorted: readonly number[], share: number, of: number): number | undefined {
  return of === 0 ? undefined : sorted[Math.ceil(of * share) - 1];
}

export function mostPerSecond(openings: readonly Opening[]): PerSecond {
  const byPort = Map.groupBy(openings, ([, port]) => port);
  const ofEach = [...byPort.values()].map((ones) => mostInOneSecond(ones.map(([when]) => when)));
  return { all: mostInOneSecond(openings.map(([when]) => when)), one: Math.max(0, ...ofEach) };
}

function mostInOneSecond(times: readonly number[]): number {
  const sorted = times.toSorted(ascending);
  let first = 0;
  let most = 0;
  for (const [last, time] of sorted.entries()) {
    while ((sorted[first] as number) <= time - SECOND_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function ascending(one: number, other: number): number {
  return one - other;
}
