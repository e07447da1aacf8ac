import { assertEquals } from "@std/assert";
import type { Case } from "./cases/case.ts";
import { check } from "./check.ts";
import { KINDS } from "./finding.ts";
import { ACCESS_CASES } from "./cases/access.ts";
import { GROUP_CASES } from "./cases/groups.ts";
import { LOG_CASES } from "./cases/logs.ts";
import { PRODUCER_CASES } from "./cases/producers.ts";
import { READER_CASES } from "./cases/readers.ts";
import { Sketch } from "./cases/sketch.ts";

const CASES = [...LOG_CASES, ...PRODUCER_CASES, ...READER_CASES, ...GROUP_CASES, ...ACCESS_CASES];

function found({ tell }: Case, wrong: boolean): string[] {
  const sketch = new Sketch();
  tell(sketch, wrong);
  return [...new Set(check(sketch.events).map(({ kind }) => kind))].sort();
}

for (const one of CASES) {
  Deno.test(`${one.kind}: ${one.name}`, () => {
    assertEquals(found(one, true), [one.kind, ...one.also ?? []].sort());
    assertEquals(found(one, false), [], "all is right, and something is found");
  });
}

Deno.test("every kind of finding has a history that shows it", () => {
  const shown = new Set(CASES.map(({ kind }) => kind));
  assertEquals(KINDS.filter((kind) => !shown.has(kind)), []);
});
