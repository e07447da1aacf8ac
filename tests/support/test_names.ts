/** Looks for tests by name, for lists of tests that must not outlive them. */

import { assert } from "@std/assert";

const tests = new URL("../", import.meta.url);

/** Asserts that a file below `tests/` has a test of this name. */
export async function assertHasTest(file: string, name: string): Promise<void> {
  const text = await Deno.readTextFile(new URL(file, tests));
  assert(hasTest(text, name), `${file} has no test "${name}"`);
}

/**
 * Whether a file has a test of this name. In a title that is made of parts the first is the row of
 * a table, which must stand in the file, as must the others.
 */
function hasTest(text: string, name: string): boolean {
  const titles = text.matchAll(/^ *(?:Deno\.test|denokvTest)\(\s*("[^"]*"|`[^`]*`)/gm);
  return [...titles].some(([, title = ""]) => {
    const parts = title.slice(1, -1).split(/\$\{.*?\}/).map((part) => RegExp.escape(part));
    const made = new RegExp(`^${parts.join("(.*?)")}$`).exec(name);
    const [row, ...rest] = made?.slice(1) ?? [];
    if (row === undefined) return made !== null;
    return text.includes(`"${row}"`) && rest.every((part) => text.includes(part));
  });
}
