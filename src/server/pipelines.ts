/**
 * Requests that a client sends without waiting for answers (HTTP pipelining). They are answered one
 * at a time: the answer to a later one would stay in memory until the earlier ones end, and an
 * event stream may never end.
 */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HTTP } from "../limits.ts";

export class Pipelines {
  /** By connection; the first of each is being answered. */
  readonly #queues = new WeakMap<Socket, (() => void)[]>();

  /** Calls `begin` once all earlier requests of its connection are answered. */
  add(socket: Socket, response: ServerResponse, begin: () => void): void {
    const queue = this.#queues.get(socket) ?? [];
    this.#queues.set(socket, queue);
    queue.push(begin);
    if (queue.length > HTTP.pipelinedRequests) return void socket.destroy();
    response.once("close", () => {
      queue.shift();
      if (!socket.destroyed) queue[0]?.();
    });
    if (queue.length === 1) begin();
  }
}
