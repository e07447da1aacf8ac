/**
 * Sockets between simulated clients and gateways: messages arrive in order after a delay, and a
 * connection can be cut, which loses what is on its way.
 */

import type { Session } from "../../src/session/session.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** A client's end of a connection. */
export interface Socket {
  readonly isOpen: boolean;
  send(text: string): void;
  /** As when the network goes away: nothing that is on its way arrives. */
  cut(): void;
}

export interface SocketEvents {
  message(text: string): void;
  closed(code: number, reason: string): void;
}

const LOST = 1006;
const utf8 = new TextEncoder();
const decoder = new TextDecoder();

export function connect(world: World, process: Process, events: SocketEvents): Socket {
  let isOpen = true;
  let session: Session | undefined;
  let [inboundAt, outboundAt] = [0, 0];

  /** After all earlier ones in the same direction. */
  const later = (last: number) => Math.max(last + 0.001, world.now + world.between(0.1, 3));

  const end = (code: number, reason: string) => {
    if (!isOpen) return;
    isOpen = false;
    process.sockets.delete(socket);
    process.act(() => session?.closed());
    world.after(1, () => events.closed(code, reason));
  };
  const wire = {
    canPause: false,
    buffered: 0,
    send(message: string | Uint8Array) {
      outboundAt = later(outboundAt);
      const text = typeof message === "string" ? message : decoder.decode(message);
      world.after(outboundAt - world.now, () => isOpen && events.message(text));
    },
    close: (code: number, reason: string) => {
      world.trace(`gateway closes ${code} ${reason}`);
      // After what was sent before it.
      world.after(Math.max(0, outboundAt - world.now), () => end(code, reason));
    },
    terminate: () => world.after(0, () => end(LOST, "")),
    reconsider() {},
  };
  process.act(() => session = process.gateway.connect(wire));
  const socket: Socket = {
    get isOpen() {
      return isOpen;
    },
    send(text) {
      inboundAt = later(inboundAt);
      const bytes = utf8.encode(text);
      const arrive = () => process.act(() => isOpen && session?.receive(bytes));
      world.after(inboundAt - world.now, () => isOpen && arrive());
    },
    cut: () => end(LOST, ""),
  };
  process.sockets.add(socket);
  return socket;
}
