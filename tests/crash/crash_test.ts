import { assert, assertEquals } from "@std/assert";
import { crash } from "./main.ts";

Deno.test("three kills under load lose nothing, double nothing, and take back no commit", async () => {
  const outcome = await crash(3, 1);
  const { lost, duplicated, commitsGoneBack } = outcome;
  assertEquals({ lost, duplicated, commitsGoneBack }, {
    lost: 0,
    duplicated: 0,
    commitsGoneBack: 0,
  });
  assert(outcome.acknowledged > 0, "The driver had no record acknowledged");
});
