/**
 * The flags of `deno task start`, read from `deno.json`, so that demonstrations and tests run the
 * gateway with the same permissions and no others.
 */

import config from "../../deno.json" with { type: "json" };
import { storePaths } from "./store_folder.ts";

const commands = config.tasks.start.command.split(" && ").map(flagsOf);

/** Of the check of the settings: flags of `deno run`, and the program after them. */
export const checkFlags: readonly string[] = commands[0]!.filter((word) => !/^>|^\/dev/.test(word));

/** Of the gateway, on this store. */
export function startFlags(store: string): readonly string[] {
  return commands.at(-1)!.map((word) => word.replace("$FOLDER", storePaths(store)));
}

/** The words of one command after `deno run`, separated by blanks outside of quotes. */
function flagsOf(command: string): string[] {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  return words.slice(words.indexOf("run") + 1);
}
