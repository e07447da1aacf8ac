/**
 * The gateway as an operator starts it, but with V8's inspector open, through which its heap can be
 * looked at from outside: nothing in it is there for that.
 */

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

  static async start(): Promise<InspectedGateway> {
    const port = freePort();
    const flags = ["--quiet", `--inspect=127.0.0.1:${port}`];
    return new InspectedGateway(await startGateway({ WEIR_REPORTS: "warn" }, flags), port);
  }

  get port(): number {
    return this.#server.port;
  }

  get rss(): number {
    return this.#server.rssBytes();
  }

  /** Collects garbage first, so that what is left is in use. */
  async memory(): Promise<Memory> {
    const targets = await (await fetch(`http://127.0.0.1:${this.#inspector}/json/list`)).json();
    const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
    try {
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("The gateway's inspector does not answer"));
      });
      await call(socket, 1, "HeapProfiler.collectGarbage");
      const { usedSize } = await call(socket, 2, "Runtime.getHeapUsage");
      return { heap: usedSize ?? NaN, rss: this.rss };
    } finally {
      await closed(socket);
    }
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

function call(
  socket: WebSocket,
  id: number,
  method: string,
): Promise<{ readonly usedSize?: number }> {
  return new Promise((resolve, reject) => {
    socket.onclose = () => reject(new Error(`The gateway ended before it answered ${method}`));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      if (answer.id === id) resolve(answer.result);
    };
    socket.send(JSON.stringify({ id, method }));
  });
}

function closed(socket: WebSocket): Promise<unknown> {
  const ended = new Promise((resolve) => socket.onclose = resolve);
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  socket.close();
  return ended;
}
