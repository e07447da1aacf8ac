/**
 * Sockets between simulated clients and gateways: messages arrive in order and after a while, and a
 * connection can be cut, with what is under way.
 */

import type { Gateway } from "../../src/gateway.ts";
import type { Session } from "../../src/session/session.ts";
import type { World } from "./world.ts";

/** A client's end of a connection. */
export interface Socket {
  readonly isOpen: boolean;
  send(text: string): void;
  /** As when the network goes away: nothing that is under way arrives. */
  cut(): void;
}

export interface SocketEvents {
  message(text: string): void;
  closed(code: number, reason: string): void;
}

const LOST = 1006;
const utf8 = new TextEncoder();
const decoder = new TextDecoder();

const open = new WeakMap<Gateway, Set<Socket>>();

/** All connections to a gateway go, as when its process ends. */
export function cutAll(gateway: Gateway): void {
  for (const socket of [...open.get(gateway) ?? []]) socket.cut();
}

export function connect(world: World, gateway: Gateway, events: SocketEvents): Socket {
  let isOpen = true;
  let [inboundAt, outboundAt] = [0, 0];

  /** Later than all before it in the same direction. */
  const later = (last: number) => Math.max(last + 0.001, world.now + world.between(0.1, 3));

  const end = (code: number, reason: string) => {
    if (!isOpen) return;
    isOpen = false;
    sockets.delete(socket);
    session.closed();
    world.after(1, () => events.closed(code, reason));
  };
  const session: Session = gateway.connect({
    buffered: 0,
    send(message) {
      outboundAt = later(outboundAt);
      const text = typeof message === "string" ? message : decoder.decode(message);
      world.after(outboundAt - world.now, () => isOpen && events.message(text));
    },
    close: (code, reason) => {
      world.trace(`gateway closes ${code} ${reason}`);
      // After what was sent before it.
      world.after(Math.max(0, outboundAt - world.now), () => end(code, reason));
    },
    terminate: () => world.after(0, () => end(LOST, "")),
  });
  const sockets = open.get(gateway) ?? new Set();
  open.set(gateway, sockets);
  const socket: Socket = {
    get isOpen() {
      return isOpen;
    },
    send(text) {
      inboundAt = later(inboundAt);
      const bytes = utf8.encode(text);
      world.after(inboundAt - world.now, () => isOpen && session.receive(bytes));
    },
    cut: () => end(LOST, ""),
  };
  sockets.add(socket);
  return socket;
}
