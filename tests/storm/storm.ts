/**
 * The run: thousands of clients follow, a few publish all the time, and every gateway is restarted:
 * one after the other as a deploy does it, then all at once as a loss of power does.
 */

import { pause } from "../../src/demo/pause.ts";
import { GatewayApi } from "../../src/demo/gateway_api.ts";
import { Denokv } from "../support/denokv.ts";
import { Balancer } from "./balancer.ts";
import { type Deed, Figures, type Row, type Totals } from "./figures.ts";
import { Gateways } from "./gateways.ts";
import { type CrowdNews, type CrowdOptions, type CrowdOrder, keyOf } from "./news.ts";
import { Publishing } from "./publishing.ts";
import { HEADING, rowLine, totalLines } from "./table.ts";

const TOPIC = "storm";
const PARTITIONS = 64;
/** Clients that follow one key: what a record is multiplied with. */
const FOLLOWERS = 5;
/** Workers that the clients are spread over. */
const CROWDS = 2;
const START_MS = 120_000;
/** So long a client may stay away before the run goes on without it. */
const PATIENCE_MS = 60_000;
/** By then 99 of 100 must be back. */
const BACK_MS = 30_000;
/** What has not come when for so long nothing came is lost. */
const SILENCE_MS = 30_000;
const LOOK_MS = 20;

export interface StormOptions {
  readonly clients: number;
  readonly gateways: number;
  readonly seed: number;
  /** How long a gateway may drain. */
  readonly drainMs: number;
  /** How long nothing is done before, between and after restarts. */
  readonly calmMs: number;
  readonly recordsPerSecond: number;
  /** Whether they are killed in the end, all at once. */
  readonly kills: boolean;
  readonly print: (line: string) => void;
}

export interface Outcome {
  readonly clients: number;
  /** Of gateways. */
  readonly restarts: number;
  /** Gateways that ended by themselves. */
  readonly ended: number;
  readonly rows: readonly Row[];
  readonly totals: Totals;
  readonly publishing: {
    readonly acknowledged: number;
    readonly refused: number;
    /** Publishes that waited for an answer in the end, though all gateways were up. */
    readonly unanswered: number;
  };
  /** Acknowledged records that did not come, each counted for each of its followers. */
  readonly lost: number;
}

/** Whether nothing was lost or came twice, and all were back in time. */
export function isWell({ rows, lost, totals, publishing, ended }: Outcome): boolean {
  const inTime = rows.every(({ deed, back }) =>
    deed === "none" || (back.most ?? Infinity) <= BACK_MS
  );
  const { refused, unanswered } = publishing;
  const isWhole = lost === 0 && totals.again === 0 && refused === 0 && unanswered === 0;
  return inTime && isWhole && totals.turnedAway.size === 0 && ended === 0;
}

export async function storm(options: StormOptions): Promise<Outcome> {
  await using denokv = await Denokv.start();
  const run = new Storm(options);
  try {
    return await run.run(denokv);
  } finally {
    await run.stop();
  }
}

class Storm {
  readonly #options: StormOptions;
  readonly #keys: readonly string[];
  readonly #balancer: Balancer;
  readonly #publishing: Publishing;
  readonly #figures = new Figures();
  readonly #rows: Row[] = [];
  #crowds: readonly Worker[] = [];
  #gateways: Gateways | undefined;
  #failure: Error | undefined;

  constructor(options: StormOptions) {
    const { clients, seed, recordsPerSecond: perSecond } = options;
    this.#options = options;
    const count = Math.ceil(clients / FOLLOWERS);
    const keys = this.#keys = Array.from({ length: count }, (_, i) => `key-${i}`);
    const balancer = this.#balancer = new Balancer(seed);
    this.#publishing = new Publishing({ topic: TOPIC, keys, perSecond, balancer, seed });
  }

  async run(denokv: Denokv): Promise<Outcome> {
    const { clients, gateways: count, drainMs, kills, print } = this.#options;
    const changed = (ports: readonly number[]) => this.#tell(ports);
    const gateways = this.#gateways = await Gateways.start({ denokv, count, drainMs, changed });
    await new GatewayApi(`http://127.0.0.1:${gateways.ports[0]}`).makeTopic(TOPIC, PARTITIONS);
    this.#crowds = Array.from({ length: CROWDS }, (_, i) => this.#crowd(i));
    this.#tell(gateways.ports);
    await this.#require("all clients follow", () => this.#figures.clients === clients, START_MS);
    this.#publishing.start();
    print(HEADING);
    await this.#disturb("none", gateways.ports);
    for (const port of gateways.ports) await this.#disturb("SIGTERM", [port]);
    if (kills) await this.#disturb("SIGKILL", gateways.ports);
    const outcome = await this.#outcome(kills ? 2 * count : count);
    for (const line of totalLines(outcome)) print(line);
    return outcome;
  }

  async stop(): Promise<void> {
    for (const crowd of this.#crowds) crowd.terminate();
    await this.#publishing.close();
    await this.#gateways?.stop();
  }

  /** A part of the clients, which begin to follow. */
  #crowd(part: number): Worker {
    const { clients, seed } = this.#options;
    const worker = new Worker(new URL("./crowd.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<CrowdNews>) => this.#figures.hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#failure = new Error(`A crowd failed: ${event.message}`);
    };
    const begin: CrowdOptions = {
      topic: TOPIC,
      keys: this.#keys,
      from: Math.floor(clients * part / CROWDS),
      to: Math.floor(clients * (part + 1) / CROWDS),
      seed: seed + part + 1,
    };
    worker.postMessage({ begin } satisfies CrowdOrder);
    return worker;
  }

  #tell(up: readonly number[]): void {
    this.#balancer.up = up;
    for (const crowd of this.#crowds) crowd.postMessage({ up } satisfies CrowdOrder);
  }

  /** Does it to these gateways, waits until all clients are back, and some time more. */
  async #disturb(deed: Deed, ports: readonly number[]): Promise<void> {
    this.#publishing.beginStandstill();
    const disturbance = this.#figures.begin(deed, ports, Date.now());
    if (deed !== "none") {
      await this.#gateways?.restart(ports, deed);
      await this.#comes(() => disturbance.allAreBack, PATIENCE_MS); // or the row shows who is not
    }
    await pause(this.#options.calmMs);
    const row = disturbance.row(this.#publishing.standstill);
    this.#rows.push(row);
    this.#options.print(rowLine(row));
  }

  async #outcome(restarts: number): Promise<Outcome> {
    const { clients } = this.#options;
    const publishing = this.#publishing;
    publishing.finish();
    await this.#comes(() => publishing.unanswered === 0, PATIENCE_MS);
    let expected = 0;
    for (let client = 0; client < clients; client++) {
      expected += publishing.acknowledged(keyOf(client, this.#keys));
    }
    await this.#allCome(() => expected - this.#figures.deliveries);
    const { total: acknowledged, refused, unanswered } = publishing;
    return {
      clients,
      restarts,
      ended: this.#gateways?.ended ?? 0,
      rows: this.#rows,
      totals: this.#figures.totals,
      publishing: { acknowledged, refused, unanswered },
      lost: expected - this.#figures.deliveries,
    };
  }

  /** Waits until nothing is left, or for a while nothing more has come. What comes late is not lost. */
  async #allCome(left: () => number): Promise<void> {
    for (let before = left(); before > 0; before = left()) {
      if (!await this.#comes(() => left() < before, SILENCE_MS)) return;
    }
  }

  /** Throws, naming `what`, if it does not come to hold in time. */
  async #require(what: string, holds: () => boolean, withinMs: number): Promise<void> {
    if (!await this.#comes(holds, withinMs)) throw new Error(`Not within ${withinMs} ms: ${what}`);
  }

  /** Whether it comes to hold in time. */
  async #comes(holds: () => boolean, withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (!holds()) {
      if (this.#failure) throw this.#failure;
      if (performance.now() > end) return false;
      await pause(LOOK_MS);
    }
    return true;
  }
}
