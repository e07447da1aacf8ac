/**
 * The HTTP server: a single `node:http` server for the HTTP API and the WebSockets. Has the limits
 * on what a connection may do before its request is handled.
 */

import type { Buffer } from "node:buffer";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { HTTP } from "../limits.ts";
import { Pipelines } from "./pipelines.ts";
import { type Listener, type ListenOptions, urlOf } from "./upgrade.ts";
import { addressOfRequest, Sockets, type WsSocketOptions } from "./ws_socket.ts";

export interface WsListenOptions extends ListenOptions, WsSocketOptions {
  /** How long a request's headers may take to arrive, and how long the whole request. */
  readonly headersMs?: number;
  readonly requestMs?: number;
  /** How long a connection may be idle while it is answered: then its peer does not read. */
  readonly stillMs?: number;
}

/** Resolves when it listens; rejects if it cannot. */
export async function listen(options: WsListenOptions): Promise<Listener> {
  const { headersMs = HTTP.headersMs, requestMs = HTTP.requestMs, stillMs = HTTP.stillMs } =
    options;
  const answer = getRequestListener(
    (request, { incoming }) =>
      options.fetch(request, addressOfRequest(incoming as IncomingMessage, options.trustedProxies)),
    { overrideGlobalObjects: false },
  );
  const pipelines = new Pipelines();
  // A variable of its own, since the types do not know all of these options.
  const settings = {
    maxHeaderSize: HTTP.headerBytes,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: headersMs / 10,
    keepAliveTimeout: HTTP.keepAliveMs,
    // RFC 9110 allows ignoring others, such as h2c, which some libraries offer first.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
      headers.upgrade?.toLowerCase() === "websocket",
  };
  const server = createServer(
    settings,
    (request: IncomingMessage, response: ServerResponse) => {
      pipelines.add(request.socket, response, () => {
        if (hasIdleBody(request)) response.setHeader("connection", "close");
        const status = outOfBounds(request, pathOf(request));
        if (status === undefined) void answer(request, response);
        else response.writeHead(status, { "connection": "close", "content-length": "0" }).end();
      });
    },
  );
  // Headers beyond this are silently dropped, maybe `Origin`: allowing one more shows if there are.
  server.maxHeadersCount = HTTP.headers + 1;
  server.timeout = stillMs;
  const sockets = new Sockets(options);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const status = outOfBounds(request, request.url ?? "");
    if (status === undefined) sockets.upgrade(request, socket, head);
    else end(socket, status);
  });
  server.on("clientError", refuse);
  await bind(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: urlOf(options.host, port),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      sockets.close();
      const late = setTimeout(() => {
        sockets.terminate();
        server.closeAllConnections();
      }, HTTP.farewellMs);
      await closed;
      clearTimeout(late);
    },
  };
}

function bind(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The status to refuse a request's head with; undefined if it is acceptable. */
function outOfBounds({ rawHeaders }: IncomingMessage, target: string): number | undefined {
  if (target.length > HTTP.urlBytes) return 414;
  if (rawHeaders.length > 2 * HTTP.headers) return 431;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  // With two, a proxy in front and this server could each use a different one.
  return hosts.length > 1 ? 400 : undefined;
}

/**
 * Whether a GET or HEAD has a body, which nobody reads: it could go on after the response for ever.
 */
function hasIdleBody({ method, headers }: IncomingMessage): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return (headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined;
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0]!;
}

/** Refuses a request that is not HTTP, too large or too slow. */
function refuse(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === "HPE_HEADER_OVERFLOW";
  end(socket, isTooLarge ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400);
}

function end(socket: Duplex, status: number): void {
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  socket.on("error", () => socket.destroy());
  const head = `${line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
  // Destroyed at once: a peer that does not close would keep it open for ever.
  socket.end(head, () => socket.destroy());
}
