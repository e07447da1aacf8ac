/**
 * What the socket layer alone can do: `npm:ws` on `node:http` answers every message with one of the
 * size of an acknowledgement (`MODE=one`: each in a message of its own; `MODE=combined`: all of a
 * turn in one), or broadcasts every message to all other sockets (`MODE=broadcast`).
 */

import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

const mode = Deno.env.get("MODE") ?? "one";
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

function answerAll(socket: WebSocket): void {
  let waiting: string[] = [];
  let id = 0;
  socket.on("message", () => {
    const answer = `{"type":"ok","id":${++id},"offsets":[[3,${100_000 + id}]]}`;
    if (mode === "one") return socket.send(answer);
    waiting.push(answer);
    if (waiting.length > 1) return;
    setImmediate(() => {
      socket.send(`[${waiting.join(",")}]`);
      waiting = [];
    });
  });
}

function broadcast(socket: WebSocket): void {
  socket.on("message", (data: Uint8Array) => {
    for (const other of sockets.clients) {
      if (other !== socket) other.send(data, { binary: false });
    }
  });
}

sockets.on("connection", mode === "broadcast" ? broadcast : answerAll);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  Deno.stdout.writeSync(new TextEncoder().encode(`bare listening on http://127.0.0.1:${port}\n`));
});
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
