import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { PRODUCER } from "../../src/limits.ts";
import { Lane } from "../../src/log/lane.ts";

const timeout = new GatewayError("timeout", "No answer in time");

function refusal(run: () => unknown): GatewayError {
  return assertThrows(run, GatewayError);
}

Deno.test("a lane takes any first sequence and then those that rise by one", () => {
  const lane = new Lane();
  assertEquals(lane.admit(7).repeat, false);
  assertEquals(lane.admit(8).repeat, false);
  const error = refusal(() => lane.admit(10));
  assertEquals([error.code, error.detail.expected], ["sequence_gap", 9]);
});

Deno.test("a number that was used before is a repeat and moves nothing", () => {
  const lane = new Lane();
  lane.admit(7);
  lane.admit(8);
  assertEquals(lane.admit(7).repeat, true);
  assertEquals(lane.admit(9).repeat, false);
});

Deno.test("after a failure the ones behind it wait until it has come again", () => {
  const lane = new Lane();
  lane.admit(0);
  lane.admit(1);
  const { generation } = lane;
  lane.failed(0, timeout, false);
  assert(lane.isVoid(generation, 1), "what is queued behind it is void");
  lane.failed(1, lane.gap(1), false);
  assertEquals(refusal(() => lane.admit(1)).detail.expected, 0);
  assertEquals([lane.admit(0).repeat, lane.admit(1).repeat], [false, false]);
});

Deno.test("what was queued in front of a failure is not touched by it", () => {
  const lane = new Lane();
  lane.admit(0);
  lane.admit(1);
  const { generation } = lane;
  lane.failed(1, timeout, false);
  assert(!lane.isVoid(generation, 0));
  assertEquals(refusal(() => lane.admit(2)).detail.expected, 1);
});

Deno.test("a gap names the next number as it is once all that is refused with it has failed", () => {
  const lane = new Lane();
  lane.admit(4);
  const gap = refusal(() => lane.admit(6));
  assertEquals(gap.fields()["expected"], 5);
  lane.failed(4, gap, false);
  assertEquals(gap.fields()["expected"], 4);
});

Deno.test("a gap while any number may come names the one that was refused", () => {
  const lane = new Lane();
  lane.admit(3);
  lane.failed(3, new GatewayError("sequence_too_old", "Later ones are stored"), false);
  assertEquals(lane.gap(2).detail.expected, 2);
});

Deno.test("a publish that was refused before it was admitted keeps its number free", () => {
  const lane = new Lane();
  lane.refused(5);
  assertEquals(refusal(() => lane.admit(6)).detail.expected, 5);
  assertEquals(lane.admit(5).repeat, false);
});

Deno.test("after sequence_too_old the next number may be any", () => {
  const lane = new Lane();
  lane.admit(3);
  lane.failed(3, new GatewayError("sequence_too_old", "Later ones are stored"), false);
  assertEquals(lane.admit(100).repeat, false);
});

Deno.test("what is told to be stored behind a failure need not come again", () => {
  const lane = new Lane();
  for (let sequence = 3; sequence < 7; sequence++) lane.admit(sequence);
  lane.failed(3, timeout, false);
  lane.done(5);
  assertEquals(lane.expected, 3);
  assertEquals(lane.admit(3).repeat, false);
  assertEquals(lane.expected, 4);
  lane.done(4); // before 3 is answered
  assertEquals(lane.expected, 6);
  assertEquals(lane.admit(4).repeat, true, "it may all the same");
});

Deno.test("at most a window of publishes is unanswered", () => {
  const lane = new Lane();
  for (let sequence = 0; sequence < PRODUCER.window; sequence++) lane.admit(sequence);
  const error = refusal(() => lane.admit(PRODUCER.window));
  assertEquals([error.code, error.retry], ["overloaded", "same"]);
  lane.done(0);
  assertEquals(lane.admit(PRODUCER.window).repeat, false);
});

Deno.test("in whatever order publishes fail, what is stored of a lane never has a hole", () => {
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 200, size: "max" }), (outcomes) => {
    const lane = new Lane();
    const queue: { sequence: number; generation: number }[] = [];
    const stored: number[] = [];
    let next = 0;
    for (const succeeds of outcomes) {
      try {
        lane.admit(next);
        queue.push({ sequence: next++, generation: lane.generation });
      } catch (error) {
        next = (error as GatewayError).detail.expected ?? next;
      }
      if (queue.length < 3) continue;
      const { sequence, generation } = queue.shift() ?? { sequence: 0, generation: 0 };
      if (lane.isVoid(generation, sequence)) lane.failed(sequence, lane.gap(sequence), false);
      else if (succeeds) stored.push(sequence), lane.done(sequence);
      else lane.failed(sequence, timeout, false);
    }
    assertEquals(stored, stored.map((_, i) => i));
  }));
});
