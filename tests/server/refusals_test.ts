import { assertEquals } from "@std/assert";
import { HTTP } from "../../src/limits.ts";
import { Refusals } from "../../src/server/refusals.ts";

/** Whether each of them has resolved by now. */
async function answered(...waits: Promise<void>[]): Promise<boolean[]> {
  const done = waits.map(() => false);
  waits.forEach(async (wait, i) => {
    await wait;
    done[i] = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  return done;
}

Deno.test("refusals are delayed, up to a number of them, and until the listener closes", async () => {
  const refusals = new Refusals();
  const waits = Array.from({ length: HTTP.refusalsHeld }, () => refusals.hold());
  assertEquals(await answered(waits[0]!, waits.at(-1)!, refusals.hold()), [false, false, true]);
  refusals.release();
  await Promise.all(waits);
  assertEquals(await answered(refusals.hold()), [true]);
});

Deno.test("a delayed refusal ends by itself, and frees its place", async () => {
  const refusals = new Refusals();
  await Promise.all(Array.from({ length: HTTP.refusalsHeld }, () => refusals.hold()));
  assertEquals(await answered(refusals.hold()), [false]);
  refusals.release();
});
