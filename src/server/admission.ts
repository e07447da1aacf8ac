/**
 * Which requests the gateway accepts at all, by `Host` and `Origin`, which browsers set and no page
 * can forge: see the end of section 7 of the protocol. Pure, and the same for all paths and
 * sockets.
 */

import { isLoopback, normalOrigin, type Settings } from "../config.ts";
import { GatewayError } from "../errors.ts";

export type AdmissionRules = Pick<Settings, "open" | "origins">;

/**
 * Throws `forbidden` if the request is not admitted. Returns the origin for the CORS headers of the
 * response; undefined if there is none, or if it is the gateway's own.
 */
export function admit(
  rules: AdmissionRules,
  host: string | undefined,
  origin: string | undefined,
): string | undefined {
  if (!rules.open && !isLoopback(nameOf(host ?? ""))) {
    // Against DNS rebinding: a page of evil.example, whose name was pointed at 127.0.0.1.
    throw new GatewayError(
      "forbidden",
      `Cannot answer for the host ${JSON.stringify(host ?? "")}: only for loopback, as set`,
    );
  }
  if (origin === undefined) return undefined;
  const normal = normalOrigin(origin);
  if (normal !== undefined && rules.origins.includes(normal)) return origin;
  if (normal !== undefined && normal === ownOrigin(normal, host)) return undefined;
  throw new GatewayError("forbidden", `The origin ${JSON.stringify(origin)} is not let in`);
}

/** The name in a Host header, without port and brackets. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/**
 * The gateway's own origin, by the request's Host; its scheme is only known to a proxy in front.
 */
function ownOrigin(origin: string, host: string | undefined): string | undefined {
  const scheme = /^https?:/.exec(origin)?.[0];
  return scheme && host !== undefined ? normalOrigin(`${scheme}//${host}`) : undefined;
}
