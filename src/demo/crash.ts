/**
 * Simulates the death of a process for a client that lives in this one: from one moment on it does
 * nothing.
 */

import type { ClientSocket, Platform } from "../client/mod.ts";
import { systemPlatform } from "../client/system.ts";

export interface Mortal {
  /** The platform that the client must use. */
  readonly platform: Platform;
  /**
   * Its sockets close, its timers never fire, and its promises never resolve: nothing is finished.
   */
  crash(): void;
}

export function mortal(): Mortal {
  const sockets = new Set<ClientSocket>();
  let dead = false;
  const platform: Platform = {
    ...systemPlatform,
    after: (ms, run) => systemPlatform.after(ms, () => dead || run()),
    open(url, events) {
      const socket = systemPlatform.open(url, {
        ...events,
        closed(code, reason) {
          sockets.delete(socket);
          events.closed(code, reason);
        },
      });
      sockets.add(socket);
      const send = (text: string) => dead || socket.send(text);
      const drop = () => (sockets.delete(socket), socket.drop());
      return { send, drop };
    },
  };
  const crash = () => {
    dead = true;
    for (const socket of sockets) socket.drop();
    sockets.clear();
  };
  return { platform, crash };
}
