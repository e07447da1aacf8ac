/**
 * The environment variables that the gateway may read. Started as `deno task start` does it may read
 * its own by name, and has no list of them: what else is set is none of its business.
 */

import { SETTINGS } from "../config.ts";

/** What is read besides the settings: what a KV Connect server asks for, and whether this is Deno Deploy. */
const OTHERS = ["DENO_KV_ACCESS_TOKEN", "DENO_DEPLOYMENT_ID"];

/** All of them where all may be read; those that have a meaning here where it is by name. */
export function readableEnvironment(): Record<string, string> {
  // Asked first: where somebody sits at a terminal, a list that is not granted would be prompted for.
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") return Deno.env.toObject();
  const known: Record<string, string> = {};
  for (const name of [...Object.keys(SETTINGS), ...OTHERS]) {
    const value = Deno.env.get(name);
    if (value !== undefined) known[name] = value;
  }
  return known;
}
