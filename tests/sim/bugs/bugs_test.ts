/**
 * Tests that the bugs can be planted and are found: a refactoring that moves a passage fails here.
 * And that the table of kinds in `README.md` names what there is.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KINDS } from "../../checker/finding.ts";
import { assertHasTest } from "../../support/test_names.ts";
import { type Bug, BUGS } from "./bugs.ts";
import { hunt, huntAll } from "./hunt.ts";
import { changed, changesOf, plant, sourceOf } from "./plant.ts";

/** One of those that are found at once. */
const QUICK = "commit-behind-its-records";

/** Changes nothing. */
const HARMLESS: Bug = {
  name: "harmless",
  story: "A blank more is no bug.",
  findings: ["lost-write"],
  file: "log/batch.ts",
  from: "export class Batch {",
  to: "export class Batch  {",
};

for (const bug of BUGS) {
  Deno.test(`the passage of ${bug.name} is there once, and another stands in its place`, async () => {
    for (const change of changesOf(bug)) {
      const source = await sourceOf(change.file);
      assert(changed(source, change, bug.name) !== source);
    }
  });
}

Deno.test("bugs have names of their own, and are to be found under names that the checker has", () => {
  assertEquals(new Set(BUGS.map(({ name }) => name)).size, BUGS.length);
  const besides = ["passed-twice", "reset", "threw", "hangs"];
  const known = new Set<string>([...KINDS, ...besides]);
  for (const { name, story, findings } of BUGS) {
    assert(findings.length > 0 && findings.every((kind) => known.has(kind)), name);
    assert(story.length > 0, name);
  }
});

Deno.test("every kind of bug is planted, seen by a test that there is, or cannot be written", async () => {
  const page = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const planted: string[] = [];
  for (const [, kind = "", by = ""] of page.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|$/gm)) {
    if (by === "found by" || /^-+$/.test(by)) continue;
    const [, name] = /^planted: `([^`]+)`$/.exec(by) ?? [];
    const [, file, test] = /^`([^`]+)`: "(.+)"$/.exec(by) ?? [];
    if (name !== undefined) planted.push(name);
    else if (file !== undefined && test !== undefined) await assertHasTest(file, test);
    else assert(by.startsWith("cannot be written: "), `${kind}: ${by}`);
  }
  assertEquals(planted.sort(), BUGS.map(({ name }) => name).sort());
});

Deno.test("a passage that is not there cannot be planted", async () => {
  const gone = { ...HARMLESS, from: "export class Bunch {" };
  await assertRejects(() => plant(gone), Error, "Cannot plant harmless");
});

Deno.test("a bug is planted in the copy only, beside the same tests", async () => {
  let folder: string;
  {
    await using planted = await plant(HARMLESS);
    folder = planted.folder;
    const path = `${folder}/src/${HARMLESS.file}`;
    assert((await Deno.readTextFile(path)).includes(HARMLESS.to));
    assert(!(await sourceOf(HARMLESS.file)).includes(HARMLESS.to));
    assert((await Deno.stat(`${folder}/tests/sim/bugs/bugs_test.ts`)).isFile);
  }
  await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("a quick one is found end to end, and what is no bug is not", async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  assert(await huntAll({ name: QUICK, seeds: 20, jobs: 1, print }), lines.join("\n"));
  assertEquals(lines.at(-1), "bugs: 1 planted, 1 found");
  assertEquals((await hunt(HARMLESS, 1)).seed, undefined);
});
