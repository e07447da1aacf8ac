/** Tests that an open loop sends by the clock, and counts from when a send was due. */

import { assertEquals } from "@std/assert";
import { Latencies, Schedule } from "./open_loop.ts";

Deno.test("a schedule gives every send once, at its time", () => {
  const schedule = new Schedule(1_000, 50);
  assertEquals([...schedule.due(49.9)], []);
  assertEquals([...schedule.due(52)], [50, 51, 52]);
  assertEquals([...schedule.due(52.5)], []);
  assertEquals([...schedule.due(53)], [53]);
});

Deno.test("a driver that was late catches up with all that was due meanwhile", () => {
  const schedule = new Schedule(500, 0);
  assertEquals([...schedule.due(0)], [0]);
  assertEquals([...schedule.due(1_000)].length, 500);
});

Deno.test("a latency counts from when it was due, and not before the warm-up is over", () => {
  const latencies = new Latencies(100);
  latencies.answered(99, 500);
  latencies.answered(100, 130);
  latencies.answered(110, 120);
  assertEquals(latencies.sorted(), [10, 30]);
});

Deno.test("what is never answered has taken until the end", () => {
  const latencies = new Latencies(0);
  latencies.answered(0, 1);
  latencies.unanswered([500, 900], 1_000);
  assertEquals(latencies.sorted(), [1, 100, 500]);
});
