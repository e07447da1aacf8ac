/**
 * What `deno task start` runs before the gateway: holds the settings against their table and prints
 * what the gateway is to read and write of the disk. A program of its own, since a name that is no
 * setting is found only by whoever may list all variables: that is this one, with no network, no
 * file and no package, and not the gateway.
 */

import { readSettings, SETTINGS, StartRefused } from "../config.ts";
import { runCommand } from "./program.ts";

/**
 * The paths for `--allow-read` and `--allow-write`: the store's folder, which may have to be made, or
 * where the file has none to itself, the file and its lock. A store that is no file has the default's.
 */
export function storePaths(store: string): string {
  const path = store === ":memory:" || /^https?:/.test(store) ? SETTINGS.WEIR_STORE.initial : store;
  if (path.includes(",")) {
    throw new StartRefused(`WEIR_STORE must have no comma, which parts paths, not ${path}`);
  }
  const at = path.lastIndexOf("/");
  return at > 0 ? path.slice(0, at) : `${path},${path}.lock`;
}

if (import.meta.main) {
  await runCommand(() => storePaths(readSettings(Deno.env.toObject()).store));
}
