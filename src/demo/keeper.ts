/**
 * Runs the demo's gateway: starts it, kills it on request, and restarts it with the same settings.
 */

import { type GatewayOptions, type GatewayProcess, startGateway } from "./gateway_process.ts";
import { pause } from "./pause.ts";

/** How long it stays down, so that it can be seen. */
const DOWN_MS = 1_500;

export class GatewayKeeper {
  readonly #options: GatewayOptions;
  readonly url: string;
  #process: GatewayProcess;
  #restarting: Promise<void> | undefined;
  up = true;
  restarts = 0;

  private constructor(options: GatewayOptions, process: GatewayProcess) {
    this.#options = { ...options, port: Number(new URL(process.url).port) };
    this.#process = process;
    this.url = process.url;
  }

  static async start(options: GatewayOptions): Promise<GatewayKeeper> {
    return new GatewayKeeper(options, await startGateway(options));
  }

  /** `kill -9`, and after a moment a new one on the same port and store. */
  restart(): Promise<void> {
    return this.#restarting ??= this.#restart().finally(() => this.#restarting = undefined);
  }

  /** Resolves when no restart is in progress. */
  async settled(): Promise<void> {
    await this.#restarting;
  }

  async stop(): Promise<void> {
    await this.settled();
    await this.#process.stop();
  }

  async #restart(): Promise<void> {
    this.up = false;
    await this.#process.kill();
    await pause(DOWN_MS);
    this.#process = await startGateway(this.#options);
    this.restarts++;
    this.up = true;
  }
}
