/**
 * What both WebSocket adapters share: the path of sockets, the checks of an upgrade, and the port
 * to the session.
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
/** The only version of WebSocket since RFC 6455. */
export const VERSION = "13";
/** The close code after an internal error. */
export const INTERNAL_ERROR = 1011;

/** The session behind a socket. */
export interface SessionPort {
  /** Takes a complete text message in UTF-8, and owns its bytes from now on. */
  receive(message: Uint8Array): void;
  /** Everything that was sent has left the buffer: there is room again. */
  writable(): void;
  closed(): void;
  /** So much is unanswered that nothing more should be read for now. */
  readonly congested: boolean;
  /** The client's `hello` was answered. */
  readonly greeted: boolean;
  /**
   * Counts bytes that are received before that, including incomplete messages. Returns false if
   * they are too many.
   */
  countRaw(bytes: number): boolean;
}

export interface SocketOptions {
  readonly rules: AdmissionRules;
  readonly crowd: Crowd;
  /** The number of proxies in front whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: number;
  readonly telemetry: Telemetry;
  connect(wire: Wire): SessionPort;
}

/** Options of both listeners. */
export interface ListenOptions extends SocketOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  fetch(request: Request, address: string): Response | Promise<Response>;
}

export interface Listener {
  /** The listener's URL: `http://HOST:PORT`. */
  readonly url: string;
  /** Accepts no more connections; those that are open have `HTTP.farewellMs` to end. */
  close(): Promise<void>;
}

/** Refuses requests to the path of sockets that are no upgrades. */
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

/** The headers that `checkUpgrade` reads. */
type Judged =
  | "host"
  | "origin"
  | "sec-websocket-protocol"
  | "sec-websocket-version"
  | "content-length"
  | "transfer-encoding";

/** Throws if the upgrade is invalid or not admitted. `target`: the request's path and query. */
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
  // Older versions have their origin in another header, which is not checked here.
  if (header("sec-websocket-version") !== VERSION) {
    throw noSocket(`Sec-WebSocket-Version must be ${VERSION}`);
  }
  // The bytes of a body would be parsed as frames.
  if ((header("content-length") ?? "0") !== "0" || header("transfer-encoding") !== undefined) {
    throw noSocket("its request may have no body");
  }
}

export function noSocket(because: string): GatewayError {
  return new GatewayError("invalid_frame", `No WebSocket can be opened: ${because}`);
}

/** Wraps a handler: an exception is reported, and closes only this socket. */
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

/** The URL of a host and port. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
