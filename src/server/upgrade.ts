/**
 * What both WebSocket adapters share: where sockets are, who may open one, and what a socket talks
 * to.
 */

import { GatewayError } from "../errors.ts";
import type { Telemetry } from "../host/host.ts";
import type { Wire } from "../session/wire.ts";
import { type AdmissionRules, admit } from "./admission.ts";
import type { PublicRoutes } from "./app.ts";
import type { Crowd } from "./crowd.ts";
import { notHere } from "./problem.ts";

const PATH = "/v1/connect";
export const SUBPROTOCOL = "weir.v1";
/** The only version of WebSocket there is since RFC 6455. */
export const VERSION = "13";
/** The close code after a failure of ours. */
export const INTERNAL_ERROR = 1011;

/** What a socket talks to: a session. */
export interface SessionPort {
  /** One whole text message, as UTF-8. The bytes are the receiver's from now on. */
  receive(message: Uint8Array): void;
  /** What was sent has left; there is room again. */
  writable(): void;
  closed(): void;
  /** So much of what it sent is unanswered that nothing more is read for now. */
  readonly congested: boolean;
  /** Its `hello` was answered. */
  readonly greeted: boolean;
  /** Counts bytes that came before that, incomplete messages included. Returns whether they may. */
  countRaw(bytes: number): boolean;
}

export interface SocketOptions {
  readonly rules: AdmissionRules;
  readonly crowd: Crowd;
  /** Proxies in front that say who came to them. */
  readonly trustedProxies: number;
  readonly telemetry: Telemetry;
  connect(wire: Wire): SessionPort;
}

/** What an adapter listens with. */
export interface ListenOptions extends SocketOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  fetch(request: Request, address: string): Response | Promise<Response>;
}

export interface Listener {
  /** Where it listens: `http://HOST:PORT`. */
  readonly url: string;
  /** Takes no more connections; those that are left have `HTTP.farewellMs` to end. */
  close(): Promise<void>;
}

/** What is asked for there without an upgrade. */
export const socketRoutes: PublicRoutes = {
  [PATH]: {
    GET() {
      throw new GatewayError(
        "invalid_frame",
        `${PATH} is for WebSockets that offer ${SUBPROTOCOL}`,
      );
    },
  },
};

/** The headers by which an upgrade is judged here. */
type Judged =
  | "host"
  | "origin"
  | "sec-websocket-protocol"
  | "sec-websocket-version"
  | "content-length"
  | "transfer-encoding";

/** Throws if this is no upgrade that is let in. `target`: the request's path and query. */
export function checkUpgrade(
  rules: AdmissionRules,
  target: string,
  header: (name: Judged) => string | undefined,
): void {
  admit(rules, header("host"), header("origin"));
  if (target.split("?", 1)[0] !== PATH) throw notHere(`socket at ${target}`);
  const offered = header("sec-websocket-protocol")?.split(",") ?? [];
  if (!offered.some((name) => name.trim() === SUBPROTOCOL)) {
    throw noSocket(`the subprotocol ${SUBPROTOCOL} must be offered`);
  }
  // Older versions name their origin in another header, which nobody here looks at.
  if (header("sec-websocket-version") !== VERSION) {
    throw noSocket(`Sec-WebSocket-Version must be ${VERSION}`);
  }
  // The bytes of a body would be taken for frames.
  if ((header("content-length") ?? "0") !== "0" || header("transfer-encoding") !== undefined) {
    throw noSocket("its request may have no body");
  }
}

export function noSocket(because: string): GatewayError {
  return new GatewayError("invalid_frame", `No WebSocket can be opened: ${because}`);
}

/** Wraps a handler: an exception is reported and closes this socket only. */
export function guardWith(telemetry: Telemetry, close: () => void) {
  return <T = void>(run: (given: T) => void) => (given: T): void => {
    try {
      run(given);
    } catch (error) {
      telemetry.count("sessions_failed_total");
      telemetry.report("error", "A session failed and was closed", { error });
      close();
    }
  };
}

/** The address as a URL has it. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
