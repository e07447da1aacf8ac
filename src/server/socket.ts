/**
 * WebSockets: `npm:ws` on the HTTP server's upgrades, as the `Wire` of a session. The only file that
 * knows the events of a WebSocket. `npm:ws` and not the platform's own, because that one has no bound
 * on what an unfinished message may take, and cannot get rid of a peer that does not read.
 *
 * Whatever happens on one socket ends at most that socket.
 */

import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="./ws.d.ts"
import { type WebSocket, WebSocketServer } from "ws";
import { CLOSE, GatewayError } from "../errors.ts";
import type { Telemetry } from "../host/host.ts";
import { ADVERTISED, HTTP } from "../limits.ts";
import type { Wire } from "../session/wire.ts";
import { type AdmissionRules, admit } from "./admission.ts";
import type { Routes } from "./app.ts";
import { asGatewayError, notHere, rawProblem } from "./problem.ts";

const path = "/v1/connect";
const subprotocol = "weir.v1";
const open = 1;
const internalError = 1011;
const text = { binary: false } as const;

/** What a socket talks to: a session. */
export interface Line {
  /** One whole text message, as UTF-8. The bytes are the receiver's from now on. */
  receive(message: Uint8Array): void;
  /** What was sent has left; there is room again. */
  writable(): void;
  closed(): void;
  /** So much of what it sent is unanswered that nothing more is read for now. */
  readonly congested: boolean;
}

export interface SocketOptions {
  readonly rules: AdmissionRules;
  readonly telemetry: Telemetry;
  connect(wire: Wire): Line;
}

/** What is asked for there without an upgrade. */
export const socketRoutes: Routes = {
  [path]: {
    GET() {
      throw new GatewayError(
        "invalid_frame",
        `${path} is for WebSockets that offer ${subprotocol}`,
      );
    },
  },
};

/** All sockets of one HTTP server. */
export class Sockets {
  readonly #options: SocketOptions;
  readonly #open = new Set<WebSocket>();
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: false,
    maxPayload: ADVERTISED.messageBytes,
    maxFragments: HTTP.fragments,
    maxBufferedChunks: HTTP.bufferedChunks,
    closeTimeout: HTTP.closeMs,
    handleProtocols: () => subprotocol,
  });

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Handles the HTTP server's event of this name. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      check(request, this.#options.rules);
    } catch (error) {
      socket.on("error", () => socket.destroy());
      socket.end(rawProblem(asGatewayError(error)));
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.#open.add(ws);
      ws.on("close", () => this.#open.delete(ws));
      serve(ws, socket, this.#options);
    });
  }

  /** Ends those that are left. */
  terminate(): void {
    for (const ws of this.#open) ws.terminate();
  }
}

function check(request: IncomingMessage, rules: AdmissionRules): void {
  const { host, origin } = request.headers;
  admit(rules, host, origin);
  if (request.url?.split("?", 1)[0] !== path) throw notHere(`socket at ${request.url}`);
  const offered = request.headers["sec-websocket-protocol"]?.split(",") ?? [];
  if (!offered.some((name) => name.trim() === subprotocol)) {
    throw new GatewayError("invalid_frame", `The subprotocol ${subprotocol} must be offered`);
  }
}

/** Joins one socket and one session until either ends. */
function serve(ws: WebSocket, socket: Duplex, options: SocketOptions): void {
  const { telemetry } = options;
  let paused = false;

  const wire: Wire = {
    send(message) {
      ws.send(message, text);
      if (paused) read();
    },
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
    get buffered() {
      return ws.bufferedAmount;
    },
  };
  const line = options.connect(wire);

  /** Reads on, or stops reading, as the session has it: the rest then waits at the sender. */
  function read(): void {
    if (line.congested === paused) return;
    paused = line.congested;
    if (paused) ws.pause();
    else ws.resume();
  }

  function guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      telemetry.count("sessions_failed_total");
      telemetry.report("error", "A session failed and was closed", { error });
      ws.close(internalError, "internal error");
    }
  }

  ws.on("message", (data, isBinary) => {
    if (ws.readyState !== open) return;
    if (isBinary) return ws.close(CLOSE.unsupportedData, "text messages only");
    guard(() => {
      line.receive(data);
      read();
    });
  });
  socket.on("drain", () =>
    guard(() => {
      line.writable();
      read();
    }));
  // The error itself (a bad frame, a reset) is the peer's; `close` follows it.
  ws.on("error", () => telemetry.count("sockets_broken_total"));
  ws.on("close", () => guard(() => line.closed()));
}
