/**
 * The environment variables that the gateway may read. Under `deno task start` it may read only its
 * own, by name, and cannot list the others.
 */

import { SETTINGS } from "../config.ts";

/** Read besides the settings: the access token of KV Connect, and whether this is Deno Deploy. */
const OTHERS = ["DENO_KV_ACCESS_TOKEN", "DENO_DEPLOYMENT_ID"];

/** All variables if all may be read; otherwise those that have a meaning here, one by one. */
export function readableEnvironment(): Record<string, string> {
  // Query first: at a terminal, listing without permission would prompt.
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") return Deno.env.toObject();
  const known: Record<string, string> = {};
  for (const name of [...Object.keys(SETTINGS), ...OTHERS]) {
    const value = Deno.env.get(name);
    if (value !== undefined) known[name] = value;
  }
  return known;
}
