import { assertEquals } from "@std/assert";
import { QueuePace } from "../../src/log/queue_pace.ts";

Deno.test("what waits is told its time by the writes that took a part of the queue", () => {
  const pace = new QueuePace();
  assertEquals(pace.waitMs(1_000), 0);
  pace.took(100, 0);
  assertEquals(pace.waitMs(1_000), 0);
  pace.took(100, 20);
  assertEquals(pace.waitMs(1_000), 200);
  pace.took(100, 40);
  assertEquals(pace.waitMs(1_000), 200);
});

Deno.test("one slow write counts less and less, and nothing once all was taken", () => {
  const pace = new QueuePace();
  for (const now of [0, 3_000]) pace.took(100, now);
  assertEquals(pace.waitMs(100), 3_000);
  for (let now = 3_010; now <= 3_200; now += 10) pace.took(100, now);
  assertEquals(Math.round(pace.waitMs(100)), 17);
  pace.took(0, 3_210);
  assertEquals(pace.waitMs(100), 0);
  pace.took(100, 9_000);
  assertEquals(pace.waitMs(100), 0);
});
