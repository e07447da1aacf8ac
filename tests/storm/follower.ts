/**
 * One client that follows one key, and counts what comes: the records of a key are numbered from 0,
 * by the one producer that publishes it.
 */

import { type Client, connect } from "../../src/client/mod.ts";
import { BALANCED_URL, type Balancer } from "./balancer.ts";

/** The value of a record. */
export interface Numbered {
  readonly number: number;
  /** When it was published. All processes of the run are on one machine, and share its clock. */
  readonly at: number;
}

/** What a follower tells. Times are milliseconds since 1970. */
export interface FollowerPort {
  /** A gateway is asked for a connection. */
  opening(port: number): void;
  /** Its subscription stands, at this gateway, after so long without one. */
  stands(client: number, port: number, awayMs: number): void;
  /** A record came, for the first time, so long after it was published. */
  came(client: number, afterMs: number): void;
  /** A record came that had come before. */
  cameAgain(): void;
  /** It was told never to come back, though it has done no wrong. */
  turnedAway(reason: string): void;
}

/** What has come of records that are numbered. */
export class Tally {
  #next = 0;

  /** Whether it comes for the first time. What is behind a hole counts, and what is in it is missing. */
  take(number: number): boolean {
    if (number < this.#next) return false;
    this.#next = number + 1;
    return true;
  }
}

export interface FollowerOptions {
  readonly client: number;
  readonly topic: string;
  readonly key: string;
  readonly balancer: Balancer;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #port: FollowerPort;
  readonly #client: Client;
  readonly #tally = new Tally();
  /** The gateway to which its present connection goes. */
  #gateway = 0;
  /** Since when it has had no connection; undefined while it has one. */
  #awaySince: number | undefined = Date.now();

  constructor(options: FollowerOptions, port: FollowerPort) {
    this.#options = options;
    this.#port = port;
    const platform = options.balancer.platform((gateway) => {
      this.#gateway = gateway;
      port.opening(gateway);
    });
    this.#client = connect(BALANCED_URL, { platform });
    this.#client.onState(({ status }) => {
      if (status === "waiting") this.#awaySince ??= Date.now();
    });
  }

  /** Follows; resolves when it first stands. */
  async start(): Promise<void> {
    const { topic, key } = this.#options;
    const subscription = this.#client.subscribe<Numbered>(topic, {
      keys: [key],
      from: "earliest",
      onResume: () => this.#stands(),
    });
    this.#count(subscription);
    await subscription.ready;
    this.#stands();
  }

  async #count(records: AsyncIterable<{ readonly value: Numbered }>): Promise<void> {
    const { client } = this.#options;
    try {
      for await (const { value } of records) {
        if (this.#tally.take(value.number)) this.#port.came(client, Date.now() - value.at);
        else this.#port.cameAgain();
      }
    } catch (error) {
      this.#port.turnedAway(String(error));
    }
  }

  #stands(): void {
    const away = Date.now() - (this.#awaySince ?? Date.now());
    this.#awaySince = undefined;
    this.#port.stands(this.#options.client, this.#gateway, away);
  }
}
