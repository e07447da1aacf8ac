/**
 * The HTTP server: one `node:http` server carries the HTTP API and the WebSockets. Holds the bounds
 * on what a connection may do before anybody looks at its request.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { HTTP } from "../limits.ts";
import { type Listener, type ListenOptions, urlOf } from "./upgrade.ts";
import { Sockets } from "./ws_socket.ts";

export interface WsListenOptions extends ListenOptions {
  /** How long a request's headers may take to come. */
  readonly headersMs?: number;
}

/** Resolves when it listens; rejects if it cannot. */
export async function listen(options: WsListenOptions): Promise<Listener> {
  const { headersMs = HTTP.headersMs } = options;
  const server = createServer(
    {
      maxHeaderSize: HTTP.headerBytes,
      headersTimeout: headersMs,
      requestTimeout: HTTP.requestMs,
      connectionsCheckingInterval: headersMs / 10,
      keepAliveTimeout: HTTP.keepAliveMs,
    },
    getRequestListener(options.fetch, { overrideGlobalObjects: false }),
  );
  server.maxHeadersCount = HTTP.headers;
  const sockets = new Sockets(options);
  server.on("upgrade", (request, socket, head) => sockets.upgrade(request, socket, head));
  server.on("clientError", refuse);
  await bind(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: urlOf(options.host, port),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
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

/** What is no HTTP, too large or too slow. */
function refuse(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW"
    ? "431 Request Header Fields Too Large"
    : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
    ? "408 Request Timeout"
    : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
