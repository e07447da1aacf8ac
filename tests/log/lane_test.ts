import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { PRODUCER } from "../../src/limits.ts";
import { type Admission, Lane } from "../../src/log/lane.ts";

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

Deno.test("what was told to be stored is passed over however often something before it fails", () => {
  const lane = new Lane();
  for (let sequence = 5; sequence < 8; sequence++) lane.admit(sequence);
  lane.done(7); // stored by an earlier session: it waits for no write
  lane.failed(5, timeout, false);
  lane.failed(6, lane.gap(6), false);
  lane.admit(5);
  lane.done(5);
  lane.admit(6);
  assertEquals(lane.expected, 8);
  lane.failed(6, timeout, false);
  assertEquals(lane.expected, 6);
  lane.admit(6);
  lane.done(6);
  assertEquals(lane.expected, 8);
});

Deno.test("in whatever order publishes fail, what is stored of a lane never has a hole", () => {
  const steps = fc.array(fc.constantFrom("stored", "failed", "known"), {
    maxLength: 200,
    size: "max",
  });
  const earlier = fc.uniqueArray(fc.nat({ max: 20 }), { maxLength: 10 });
  fc.assert(fc.property(steps, earlier, fc.boolean(), (outcomes, known, sendsAllAgain) => {
    const lane = new Lane();
    const queue: { sequence: number; admission: Admission }[] = [];
    const stored = new Set(known);
    const told = new Set<number>();
    let next = 0;
    const succeed = (sequence: number) => (told.add(sequence), lane.done(sequence));
    for (const outcome of outcomes) {
      while (!sendsAllAgain && told.has(next)) next++;
      try {
        queue.push({ sequence: next, admission: lane.admit(next) });
        next++;
      } catch (error) {
        next = (error as GatewayError).detail.expected ?? next;
        assert(!told.has(next), `${next} was told to be stored`);
      }
      if (queue.length < 3) continue;
      const repeat = queue.findIndex(({ sequence }) => stored.has(sequence));
      const [taken] = queue.splice(outcome === "known" && repeat > 0 ? repeat : 0, 1);
      assert(taken);
      const { sequence, admission } = taken;
      if (stored.has(sequence)) succeed(sequence);
      else if (admission.repeat || lane.isVoid(admission.generation, sequence)) {
        lane.failed(sequence, lane.gap(sequence), admission.repeat);
      } else if (outcome === "failed") lane.failed(sequence, timeout, false);
      else {
        for (let one = 0; one < sequence; one++) assert(stored.has(one), `${one} is not stored`);
        stored.add(sequence);
        succeed(sequence);
      }
    }
  }));
});
