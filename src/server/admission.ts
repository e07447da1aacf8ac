/**
 * Who may talk to the gateway at all, by the two headers that a browser sets and no page can forge:
 * see the protocol, end of section 7. Pure, and the same for every path and for sockets.
 */

import { isLoopback, normalOrigin, type Settings } from "../config.ts";
import { GatewayError } from "../errors.ts";

export type AdmissionRules = Pick<Settings, "open" | "origins">;

/**
 * Throws `forbidden` if the request may not come in. Returns the origin that the answer's CORS
 * headers must name; undefined if there is none, or if it is the gateway's own.
 */
export function admit(
  rules: AdmissionRules,
  host: string | undefined,
  origin: string | undefined,
): string | undefined {
  if (!rules.open && !isLoopback(nameOf(host ?? ""))) {
    // A page of evil.example whose name was pointed at 127.0.0.1 shows itself by this.
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

/** A Host header without its port and brackets. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** The gateway's own origin, as the request named it: behind a proxy only that knows the scheme. */
function ownOrigin(origin: string, host: string | undefined): string | undefined {
  const scheme = /^https?:/.exec(origin)?.[0];
  return scheme && host !== undefined ? normalOrigin(`${scheme}//${host}`) : undefined;
}
