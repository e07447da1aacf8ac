/**
 * One gateway: the parts put together over a store and a host, with no network. The doors (`main.ts`
 * opens them) hand it their sockets; a simulated world does the same without any.
 */

import type { Settings } from "./config.ts";
import type { Host } from "./host/host.ts";
import { Log } from "./log/log.ts";
import { Upkeep } from "./log/upkeep.ts";
import type { Store } from "./store/store.ts";
import { keys } from "./store/keys.ts";

export interface GatewayOptions {
  readonly store: Store;
  readonly host: Host;
  readonly settings: Settings;
}

export class Gateway {
  readonly log: Log;
  readonly #store: Store;
  readonly #host: Host;
  readonly #upkeep: Upkeep;
  #draining = false;

  constructor({ store, host, settings }: GatewayOptions) {
    this.#store = store;
    this.#host = host;
    this.log = new Log(store, host, settings.autoPartitions);
    this.#upkeep = new Upkeep(store, host, this.log);
  }

  /** Whether it may be sent work: the store answers, and no drain has begun. */
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
    this.log.tick(now);
    this.#upkeep.tick(now);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.log.journal.idle();
  }

  async close(): Promise<void> {
    this.log.journal.close();
    await this.#upkeep.stop();
  }
}
