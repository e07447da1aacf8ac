/**
 * What `deno task start` runs before the gateway: checks the settings, and prints the paths that
 * the gateway may read and write. It is a program of its own, since finding a misspelt name takes
 * permission to list all variables: this program has that, but no network, file or package, and the
 * gateway does not have it.
 */

import { readSettings, SETTINGS, StartRefused } from "../config.ts";
import { runCommand } from "./program.ts";

/**
 * The paths for `--allow-read` and `--allow-write`: the store's folder, which may have to be
 * created, or, if the file has no folder of its own, the file and its lock. For a store that is not
 * a file, the paths of the default.
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
