/**
 * The gateway as an operator starts it, but with V8's inspector open, through which its heap can be
 * looked at from outside: nothing in it is there for that.
 */

import { Inspector } from "../bench/inspector.ts";
import { type Server, startGateway } from "../bench/processes.ts";
import { freePort } from "../support/free_port.ts";
import type { Memory } from "./figures.ts";

const SAMPLE_MS = 50;

export class InspectedGateway {
  readonly #server: Server;
  readonly #inspector: number;

  private constructor(server: Server, inspector: number) {
    this.#server = server;
    this.#inspector = inspector;
  }

  static async start(env: Readonly<Record<string, string>>): Promise<InspectedGateway> {
    const port = freePort();
    const flags = ["--quiet", `--inspect=127.0.0.1:${port}`];
    return new InspectedGateway(await startGateway({ WEIR_REPORTS: "warn", ...env }, flags), port);
  }

  get port(): number {
    return this.#server.port;
  }

  get rss(): number {
    return this.#server.rssBytes();
  }

  /** Collects garbage first, so that what is left is in use. */
  async memory(): Promise<Memory> {
    await using inspector = await Inspector.connect(this.#inspector);
    await inspector.collectGarbage();
    const { used } = await inspector.heap();
    return { heap: used, rss: this.rss };
  }

  /** Watches its resident memory; the returned function ends that, and says what was the most. */
  watchRss(): () => number {
    let most = this.rss;
    const look = () => most = Math.max(most, this.rss);
    const timer = setInterval(look, SAMPLE_MS);
    return () => {
      clearInterval(timer);
      return look();
    };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}
