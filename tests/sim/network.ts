/**
 * Sockets between simulated clients and gateways: messages arrive in order and after a while, and a
 * connection can be cut, with what is under way.
 */

import type { Gateway } from "../../src/gateway.ts";
import type { Session } from "../../src/session/session.ts";
import type { World } from "./world.ts";

export type Frame = Readonly<Record<string, unknown>>;

/** A client's end of a connection. */
export interface Socket {
  readonly isOpen: boolean;
  send(frame: Frame): void;
  /** As when the network goes away: nothing that is under way arrives. */
  cut(): void;
}

export interface SocketEvents {
  frame(frame: Frame): void;
  closed(): void;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

export function connect(world: World, gateway: Gateway, events: SocketEvents): Socket {
  let isOpen = true;
  let [inboundAt, outboundAt] = [0, 0];

  /** Later than all before it in the same direction. */
  const later = (last: number) => Math.max(last + 0.001, world.now + world.between(0.1, 3));

  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    session.closed();
    world.after(1, () => events.closed());
  };
  const session: Session = gateway.connect({
    buffered: 0,
    send(message) {
      outboundAt = later(outboundAt);
      const json = typeof message === "string" ? message : text.decode(message);
      world.after(outboundAt - world.now, () => {
        if (!isOpen) return;
        const parsed = JSON.parse(json);
        for (const frame of Array.isArray(parsed) ? parsed : [parsed]) events.frame(frame);
      });
    },
    close: (code, reason) => {
      world.trace(`gateway closes ${code} ${reason}`);
      world.after(0, close);
    },
    terminate: () => world.after(0, close),
  });
  return {
    get isOpen() {
      return isOpen;
    },
    send(frame) {
      inboundAt = later(inboundAt);
      const bytes = utf8.encode(JSON.stringify(frame));
      world.after(inboundAt - world.now, () => isOpen && session.receive(bytes));
    },
    cut: close,
  };
}
