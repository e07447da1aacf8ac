/**
 * Arguments for a listener that is tested for something else: no limit on sockets, sessions that do
 * nothing, and an answer to any request.
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

/** A session that does nothing, except for the members of `own`. */
export function silentSession(own: Partial<SessionPort> = {}): SessionPort {
  const silent: SessionPort = {
    receive() {},
    writable() {},
    closed() {},
    congested: false,
    greeted: true,
    countRaw: () => true,
  };
  // Not a spread, which would read `congested` only once if it is a getter.
  return Object.defineProperties(silent, Object.getOwnPropertyDescriptors(own));
}
