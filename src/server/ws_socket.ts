/**
 * WebSockets of `npm:ws`, on upgrades of the HTTP server, as the `Wire` of a session. The
 * platform's own WebSockets do not limit the memory of an incomplete message, and cannot cut off a
 * peer that does not read.
 *
 * A failure on one socket ends at most that socket.
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
import { PlainFrames } from "./plain_frames.ts";
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

  /** Handles the HTTP server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const { crowd, rules, trustedProxies } = this.#options;
      // Counted first, so that upgrades that are refused below count as well.
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

  /** The listener closes: sends the delayed refusals. */
  close(): void {
    this.#refusals.release();
  }

  /** Terminates those that are left. */
  terminate(): void {
    for (const ws of this.#open) ws.terminate();
  }

  /** Refuses a handshake that is invalid or not admitted. */
  async #refuse(socket: Duplex, error: Error): Promise<void> {
    socket.on("error", () => socket.destroy());
    const answer = error instanceof GatewayError ? error : noSocket(error.message);
    if (answer.detail.retryAfterMs !== undefined) await this.#refusals.hold();
    // Destroyed at once: a peer that does not close would keep it open for ever.
    socket.end(rawProblem(answer, { "sec-websocket-version": VERSION }), () => socket.destroy());
  }
}

/** The address of the request's client. */
export function addressOfRequest(request: IncomingMessage, trustedProxies: number): string {
  const forwarded = request.headers["x-forwarded-for"]?.toString();
  return addressOf(request.socket.remoteAddress, forwarded, trustedProxies);
}

/** Connects a socket to a session until either ends. */
function serve(ws: WebSocket, socket: Duplex, options: SocketOptions): void {
  const { telemetry } = options;
  const close = (code: number, reason: string) => ws.close(code, reason);
  const guard = guardWith(telemetry, () => close(INTERNAL_ERROR, "internal error"));
  let paused = false;

  const wire: Wire = {
    send(message) {
      ws.send(message, text);
      // Deferred: messages that it would hand over now could be answered in the middle of this.
      if (paused) queueMicrotask(reconsider);
    },
    close,
    terminate: () => ws.terminate(),
    reconsider: () => reconsider(),
    canPause: true,
    get buffered() {
      return ws.bufferedAmount;
    },
  };
  const session = options.connect(wire);
  const held = new Held(session, close);

  /** Pauses or resumes reading with the session's congestion, so that TCP slows down the sender. */
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
  PlainFrames.read(socket, (message) => {
    if (ws.readyState === OPEN) receive(message);
  });

  /**
   * Limits bytes before `hello`, also of incomplete messages, which the session does not see: a
   * peer that has not authenticated must not use more memory than a few `hello`s take.
   */
  function count(chunk: Buffer): void {
    if (session.greeted) return void socket.off("data", count);
    if (session.countRaw(chunk.length)) return;
    ws.close(CLOSE.messageTooBig, "too much before hello");
    // Discards whatever is still received.
    socket.removeAllListeners("data");
    socket.resume();
    socket.end();
  }
  // After what reads the messages: the session gets a chunk's complete messages before it counts.
  socket.on("data", count);

  socket.on(
    "drain",
    guard(() => {
      session.writable();
      read();
    }),
  );
  // The peer causes such errors (a bad frame, a reset); `close` follows.
  ws.on("error", () => telemetry.count("sockets_broken_total"));
  ws.on(
    "close",
    guard(() => {
      held.handOverAll();
      session.closed();
    }),
  );
}
