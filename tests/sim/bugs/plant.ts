/**
 * Plants a bug: makes a copy of the project in a temporary folder in which passages of the sources
 * are replaced. Everything but `src/` is linked. The real `src/` stays as it is, and has no switch
 * that could enable a bug.
 */

import type { Bug, Change } from "./bugs.ts";

const root = new URL("../../../", import.meta.url);

/** A copy of the project with a bug in it. Disposing of it deletes it. */
export interface Planted extends AsyncDisposable {
  readonly folder: string;
}

/** Copies the project as it is now. Throws unless the passage occurs exactly once. */
export async function plant(bug: Bug): Promise<Planted> {
  const folder = await Deno.makeTempDir({ prefix: "weir_bug_" });
  const planted = {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
  try {
    await copyFolder(new URL("src/", root), `${folder}/src`);
    await linkRest(folder);
    for (const change of changesOf(bug)) {
      const path = `${folder}/src/${change.file}`;
      await Deno.writeTextFile(path, changed(await Deno.readTextFile(path), change, bug.name));
    }
    return planted;
  } catch (error) {
    await planted[Symbol.asyncDispose]();
    throw error;
  }
}

/** The passages that a bug consists of. */
export function changesOf(bug: Bug): readonly Change[] {
  return [bug, ...bug.also ?? []];
}

/** The source of a file, without any bug. */
export function sourceOf(file: string): Promise<string> {
  return Deno.readTextFile(new URL(`src/${file}`, root));
}

/** A source with the change in it. */
export function changed(source: string, { file, from, to }: Change, name: string): string {
  const parts = source.split(from);
  if (parts.length !== 2) {
    throw new Error(`Cannot plant ${name}: its passage is ${parts.length - 1} times in ${file}`);
  }
  return parts.join(to);
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

/** Links everything in the project besides its sources. */
async function linkRest(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(root)) {
    if (name === "src" || name.startsWith(".")) continue;
    await Deno.symlink(new URL(name, root), `${folder}/${name}`);
  }
}
