/**
 * The socket layer alone, as a baseline: `npm:ws` on `node:http`, which answers as the gateway
 * would, without a gateway behind it. `MODE` says what it does with each message:
 *
 *     one               answers with the size of an acknowledgement, each in a message of its own
 *     combined          the same, all answers of a turn in one message
 *     broadcast         sends it to all other sockets, each in a message of its own
 *     broadcastCombined the same, all of a turn in one message
 *     heartbeat         answers as a heartbeat is answered
 */

import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

const mode = Deno.env.get("MODE") ?? "one";
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
/** The id of the drivers' first publish. */
const FIRST_ID = 10;

/** Calls `send` at the end of the turn with everything that was added in it. */
function combine(send: (message: string) => void): (part: string) => void {
  let waiting: string[] = [];
  return (part) => {
    waiting.push(part);
    if (waiting.length > 1) return;
    setImmediate(() => {
      send(`[${waiting.join(",")}]`);
      waiting = [];
    });
  };
}

function answerAll(socket: WebSocket): void {
  const send = (message: string) => socket.send(message);
  const answer = mode === "one" ? send : combine(send);
  let id = FIRST_ID;
  socket.on("message", () => answer(`{"type":"ok","id":${id},"offsets":[[3,${100_000 + id++}]]}`));
}

function broadcast(socket: WebSocket): void {
  const send = (message: string | Uint8Array) => {
    for (const other of sockets.clients) {
      if (other !== socket) other.send(message, { binary: false });
    }
  };
  const combined = combine(send);
  socket.on("message", (data: Uint8Array) => {
    if (mode === "broadcast") send(data);
    else combined(String(data));
  });
}

function answerHeartbeats(socket: WebSocket): void {
  socket.on("message", () => socket.send('{"type":"heartbeat","heads":{}}'));
}

const served: Readonly<Record<string, (socket: WebSocket) => void>> = {
  one: answerAll,
  combined: answerAll,
  broadcast,
  broadcastCombined: broadcast,
  heartbeat: answerHeartbeats,
};
const serve = served[mode];
if (!serve) throw new Error(`MODE must be one of ${Object.keys(served).join(", ")}, not ${mode}`);
sockets.on("connection", serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  Deno.stdout.writeSync(new TextEncoder().encode(`bare listening on http://127.0.0.1:${port}\n`));
});
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
