/**
 * The platform of browsers, React Native, Deno, Node and Bun. Uses only what all of them have, and
 * page events where there is a page.
 */

import type { ClientSocket, Platform, SocketEvents } from "./platform.ts";

/** Events after which a page may have slept, some on the document and some on the window. */
const WAKES = ["visibilitychange", "resume", "pageshow", "online", "offline"];

interface Listens {
  addEventListener?(type: string, listener: (event: PageEvent) => void): void;
  removeEventListener?(type: string, listener: (event: PageEvent) => void): void;
  readonly visibilityState?: string;
}

interface PageEvent {
  /** The page is kept in the back/forward cache, and may come back. */
  readonly persisted?: boolean;
}

/** The document and window; none outside of browsers. */
function page(): Readonly<Record<string, Listens | undefined>> {
  const scope = globalThis as unknown as Readonly<Record<string, Listens | undefined>>;
  return scope["document"] ? scope : {};
}

export const systemPlatform: Platform = {
  now: () => performance.now(),
  random: () => Math.random(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  open,
  onWake(run) {
    const { document, window } = page();
    const wake = () => {
      if (document?.visibilityState !== "hidden") run();
    };
    const forEach = (change: "addEventListener" | "removeEventListener") => {
      for (const type of WAKES) {
        document?.[change]?.(type, wake);
        window?.[change]?.(type, wake);
      }
    };
    forEach("addEventListener");
    return () => forEach("removeEventListener");
  },
  onUnload(run) {
    const { window } = page();
    const hidden = ({ persisted }: PageEvent) => {
      if (persisted !== true) run();
    };
    window?.addEventListener?.("pagehide", hidden);
    return () => window?.removeEventListener?.("pagehide", hidden);
  },
};

function open(url: string, events: SocketEvents): ClientSocket {
  const socket = new WebSocket(url, "weir.v1");
  let dropped = false;
  socket.onopen = () => dropped || events.opened();
  socket.onmessage = ({ data }) => dropped || events.message(String(data));
  socket.onclose = ({ code, reason }) => {
    if (dropped) return;
    dropped = true;
    events.closed(code, reason);
  };
  // No platform says what the error is, and not everywhere does a close event follow it.
  socket.onerror = () => {
    if (dropped) return;
    dropped = true;
    events.closed(1006, "");
  };
  return {
    send: (text) => socket.send(text),
    drop() {
      dropped = true;
      socket.close();
    },
  };
}
