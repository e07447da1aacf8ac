/**
 * WebSockets: `npm:ws` on the HTTP server's upgrades, as the `Wire` of a session. `npm:ws` and not
 * the platform's own, because that one has no bound on what an unfinished message may take, and
 * cannot get rid of a peer that does not read.
 *
 * Whatever happens on one socket ends at most that socket.
 */

import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="./ws.d.ts"
import { type WebSocket, WebSocketServer } from "ws";
import { CLOSE, GatewayError } from "../errors.ts";
import { ADVERTISED, HTTP } from "../limits.ts";
import type { Wire } from "../session/wire.ts";
import { addressOf } from "./crowd.ts";
import { Held } from "./held.ts";
import { asGatewayError, rawProblem } from "./problem.ts";
import { Refusals } from "./refusals.ts";
import {
  checkUpgrade,
  guardWith,
  INTERNAL_ERROR,
  noSocket,
  type SocketOptions,
  SUBPROTOCOL,
  VERSION,
} from "./upgrade.ts";

const OPEN = 1;
const text = { binary: false } as const;

export interface WsSocketOptions extends SocketOptions {
  /** How long the closing handshake may take before the socket is cut. */
  readonly closeMs?: number;
}

/** All sockets of one HTTP server. */
export class Sockets {
  readonly #options: SocketOptions;
  readonly #open = new Set<WebSocket>();
  readonly #refusals = new Refusals();
  readonly #server: WebSocketServer;

  constructor(options: WsSocketOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: false,
      maxPayload: ADVERTISED.messageBytes,
      maxFragments: HTTP.fragments,
      maxBufferedChunks: HTTP.bufferedChunks,
      maxPendingAutoPongs: HTTP.pendingPongs,
      closeTimeout: options.closeMs ?? HTTP.closeMs,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#server.on("wsClientError", (error, socket) => void this.#refuse(socket, error));
  }

  /** Handles the HTTP server's event of this name. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const { crowd, rules, trustedProxies } = this.#options;
      // First of all, so that what is refused below counts as well.
      socket.once("close", crowd.enter(addressOfRequest(request, trustedProxies)));
      const { url = "", headers, httpVersion } = request;
      if (httpVersion !== "1.1") throw noSocket(`HTTP must be 1.1, not ${httpVersion}`);
      checkUpgrade(rules, url, (name) => headers[name]);
    } catch (error) {
      return void this.#refuse(socket, asGatewayError(error));
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.#open.add(ws);
      ws.on("close", () => this.#open.delete(ws));
      serve(ws, socket, this.#options);
    });
  }

  /** No more come: who waits to be refused is answered. */
  close(): void {
    this.#refusals.release();
  }

  /** Ends those that are left. */
  terminate(): void {
    for (const ws of this.#open) ws.terminate();
  }

  /** A handshake that is none, or is not let in. */
  async #refuse(socket: Duplex, error: Error): Promise<void> {
    socket.on("error", () => socket.destroy());
    const answer = error instanceof GatewayError ? error : noSocket(error.message);
    if (answer.detail.retryAfterMs !== undefined) await this.#refusals.hold();
    // No more is waited for: a peer that does not close would keep it for ever.
    socket.end(rawProblem(answer, { "sec-websocket-version": VERSION }), () => socket.destroy());
  }
}

/** Where it comes from. */
export function addressOfRequest(request: IncomingMessage, trustedProxies: number): string {
  const forwarded = request.headers["x-forwarded-for"]?.toString();
  return addressOf(request.socket.remoteAddress, forwarded, trustedProxies);
}

/** Joins one socket and one session until either ends. */
function serve(ws: WebSocket, socket: Duplex, options: SocketOptions): void {
  const { telemetry } = options;
  const close = (code: number, reason: string) => ws.close(code, reason);
  const guard = guardWith(telemetry, () => close(INTERNAL_ERROR, "internal error"));
  let paused = false;

  const wire: Wire = {
    send(message) {
      ws.send(message, text);
      // Not at once: what it then takes may be sent in the middle of this.
      if (paused) queueMicrotask(reconsider);
    },
    close,
    terminate: () => ws.terminate(),
    reconsider: () => reconsider(),
    get buffered() {
      return ws.bufferedAmount;
    },
  };
  const session = options.connect(wire);
  const held = new Held(session, close);

  /** Reads on, or stops reading, as the session has it: the rest then waits at the sender. */
  function read(): void {
    held.handOver();
    if (session.congested === paused) return;
    paused = session.congested;
    if (paused) ws.pause();
    else ws.resume();
  }

  const reconsider = guard(() => read());
  const receive = guard((message: Uint8Array) => {
    held.take(message);
    read();
  });
  ws.on("message", (data, isBinary) => {
    if (ws.readyState !== OPEN) return;
    if (isBinary) return close(CLOSE.unsupportedData, "text messages only");
    receive(data);
  });

  /**
   * The session does not see a message before it is complete: until it is known who the peer is, it
   * may not make the gateway keep more than a few `hello`s take.
   */
  function count(chunk: Buffer): void {
    if (session.greeted) return void socket.off("data", count);
    if (session.countRaw(chunk.length)) return;
    ws.close(CLOSE.messageTooBig, "too much before hello");
    // Nothing of what still comes is kept.
    socket.removeAllListeners("data");
    socket.resume();
    socket.end();
  }
  // Behind the listener of `npm:ws`: the session has had what is whole in a chunk before it counts.
  socket.on("data", count);

  socket.on(
    "drain",
    guard(() => {
      session.writable();
      read();
    }),
  );
  // The error itself (a bad frame, a reset) is the peer's; `close` follows it.
  ws.on("error", () => telemetry.count("sockets_broken_total"));
  ws.on(
    "close",
    guard(() => {
      held.handOverAll();
      session.closed();
    }),
  );
}
