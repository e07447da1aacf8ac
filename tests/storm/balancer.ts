/**
 * What stands between clients and gateways: whoever connects comes to one that is up, by chance, as
 * behind a balancer that asks for health. It is a platform of the client's and no relay, so that
 * thousands of sockets cost nothing more than they are.
 */

import type { ClientSocket, Platform, SocketEvents } from "../../src/client/mod.ts";
import { systemPlatform } from "../../src/client/system.ts";
import { Chance } from "../support/chance.ts";

/** Where clients believe they connect to. */
export const BALANCED_URL = "http://127.0.0.1";

export class Balancer {
  readonly #chance: Chance;
  /** Ports of the gateways that are up. */
  up: readonly number[] = [];

  constructor(seed: number) {
    this.#chance = new Chance(seed);
  }

  /** A platform for a client. `opening` hears of each connection that a gateway is asked for. */
  platform(opening: (port: number) => void = () => {}): Platform {
    return {
      ...systemPlatform,
      random: this.#chance.random,
      open: (url, events) => {
        if (this.up.length === 0) return refused(events);
        const port = this.#chance.pick(this.up);
        opening(port);
        const target = new URL(url);
        target.port = String(port);
        return systemPlatform.open(target.href, events);
      },
    };
  }
}

/** What a balancer does that has nobody to pass a connection on to. */
function refused(events: SocketEvents): ClientSocket {
  const timer = setTimeout(() => events.closed(1006, "no gateway is up"), 0);
  return { send() {}, drop: () => clearTimeout(timer) };
}
