/**
 * Plants a bug: a copy of the project in a temporary folder, in which one passage of one source file
 * reads as the bug has it. Everything but `src/` is linked, and `src/` itself stays as it is: there is
 * no switch in it that a test, or anybody else, could turn.
 */

import type { Bug, Change } from "./bugs.ts";

const root = new URL("../../../", import.meta.url);

/** A copy of the project with a bug in it. It is gone when it is disposed of. */
export interface Planted extends AsyncDisposable {
  readonly folder: string;
}

/** Copies the project as it is now. Throws if the passage is not there exactly once. */
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

/** The source of a file as it is without any bug. */
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

/** What the project has besides its sources, as links. */
async function linkRest(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(root)) {
    if (name === "src" || name.startsWith(".")) continue;
    await Deno.symlink(new URL(name, root), `${folder}/${name}`);
  }
}
