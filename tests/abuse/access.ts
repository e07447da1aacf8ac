/**
 * How far a gateway is open, and as whom its clients come. With a key it is as in the open network: what
 * one address and one subject may take up is bounded, and an abuser has as many of both as all of its
 * lanes need. Without one nobody is kept out: the worst case.
 */

import { readSettings } from "../../src/config.ts";
import { IDENTITY } from "../../src/limits.ts";
import { SECRET, tokenFor } from "../support/token.ts";

export type Access = "keyed" | "open";

/** What one address and one subject may have unless it is set. */
const { socketsPerAddress, socketsPerSubject } = readSettings({}).limits;
const DAY_SECONDS = 24 * 3_600;

/** What a gateway is started with. The driver's own sockets come by no proxy, so from this machine. */
export function settings(access: Access): Record<string, string> {
  return access === "open" ? {} : { WEIR_JWT_SECRET: SECRET, WEIR_TRUSTED_PROXIES: "1" };
}

/** The token of one who does nothing wrong, for `hello`; none where none is asked for. */
export async function tokenOf(access: Access, subject: string): Promise<{ token?: string }> {
  if (access === "open") return {};
  // The most that a token can say: those who measure are not what is measured.
  const rights = { publish: ["*"], subscribe: ["*"], rate: IDENTITY.rate };
  return { token: await tokenFor(subject, rights, DAY_SECONDS) };
}

/** As whom an abuser comes: its sockets in turn from each address, and with each token. */
export interface Guises {
  readonly addresses: readonly string[];
  readonly tokens: readonly string[];
}

export async function guises(access: Access, lanes: number): Promise<Guises> {
  if (access === "open") return { addresses: [], tokens: [] };
  const rights = { publish: ["*"], subscribe: ["*"], groups: ["*"] };
  return {
    addresses: numbers(lanes / socketsPerAddress).map((i) => `203.0.113.${i + 1}`),
    tokens: await Promise.all(
      numbers(lanes / socketsPerSubject).map((i) => tokenFor(`abuser-${i}`, rights, DAY_SECONDS)),
    ),
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: Math.ceil(count) }, (_, i) => i);
}
