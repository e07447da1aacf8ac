/**
 * The gateways of a run, as processes over one store, and their restarts. Each keeps its port. One
 * that ends by itself is started again, as whatever runs processes does it, and counted.
 */

import type { Denokv } from "../support/denokv.ts";
import { freePort } from "../support/free_port.ts";
import { Gateway } from "../support/gateway.ts";

const AGAIN_MS = 500;

export interface GatewaysOptions {
  readonly denokv: Denokv;
  readonly count: number;
  readonly drainMs: number;
  /** Other gateways are up now. */
  readonly changed: (ports: readonly number[]) => void;
}

export class Gateways {
  readonly ports: readonly number[];
  /** How many ended that nobody had ended. */
  ended = 0;
  readonly #options: GatewaysOptions;
  readonly #up = new Map<number, Gateway>();
  /** Each resolves when its gateway has ended, and another was started if need be. */
  readonly #watches: Promise<void>[] = [];
  #stopped = false;

  private constructor(options: GatewaysOptions) {
    this.#options = options;
    this.ports = Array.from({ length: options.count }, freePort);
  }

  static async start(options: GatewaysOptions): Promise<Gateways> {
    const gateways = new Gateways(options);
    try {
      await Promise.all(gateways.ports.map((port) => gateways.#start(port)));
    } catch (error) {
      await gateways.stop();
      throw error;
    }
    return gateways;
  }

  /** Signals these, and starts each again as soon as it has ended. */
  async restart(ports: readonly number[], signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const going = ports.map((port) => [port, this.#up.get(port)] as const);
    for (const port of ports) this.#up.delete(port);
    this.#changed(); // nobody is sent there from now on
    await Promise.all(going.map(async ([port, gateway]) => {
      await gateway?.stop(signal);
      if (gateway) await this.#start(port); // or it is being started
    }));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const up = [...this.#up.values()];
    this.#up.clear();
    await Promise.all(up.map((gateway) => gateway[Symbol.asyncDispose]()));
    await Promise.all(this.#watches);
  }

  async #start(port: number): Promise<void> {
    const { denokv, drainMs } = this.#options;
    const gateway = await Gateway.start({
      ...denokv.environment,
      PORT: String(port),
      WEIR_DRAIN_MS: String(drainMs),
    });
    if (this.#stopped) return await gateway[Symbol.asyncDispose]();
    this.#up.set(port, gateway);
    this.#changed();
    this.#watches.push(this.#watch(port, gateway));
  }

  async #watch(port: number, gateway: Gateway): Promise<void> {
    await gateway.ended();
    if (this.#up.get(port) !== gateway) return;
    this.ended++;
    this.#up.delete(port);
    this.#changed();
    await this.#startAgain(port);
  }

  /** A start that an overloaded store spoils is tried again. */
  async #startAgain(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        return await this.#start(port);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #changed(): void {
    this.#options.changed([...this.#up.keys()]);
  }
}
