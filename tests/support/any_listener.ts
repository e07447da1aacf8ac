/**
 * What a listener is given where it is tested for something else: everybody may open as many sockets as
 * he likes, nobody hears what is said on them, and any request gets an answer.
 */

import { Crowd } from "../../src/server/crowd.ts";
import type { ListenOptions, SessionPort } from "../../src/server/upgrade.ts";
import { testHost } from "./test_host.ts";

export const anyListener: ListenOptions = {
  host: "127.0.0.1",
  port: 0,
  crowd: new Crowd(testHost().clock, { sockets: Infinity, strangers: undefined }),
  trustedProxies: 0,
  rules: { open: false, origins: [] },
  telemetry: { count() {}, observe() {}, report() {} },
  fetch: () => new Response("ok"),
  connect: () => silentSession(),
};

/** A session that does nothing, but for what `own` does. */
export function silentSession(own: Partial<SessionPort> = {}): SessionPort {
  const silent: SessionPort = {
    receive() {},
    writable() {},
    closed() {},
    congested: false,
    greeted: true,
    countRaw: () => true,
  };
  // Not a spread: `congested` may be a getter, which would then be read only once.
  return Object.defineProperties(silent, Object.getOwnPropertyDescriptors(own));
}
