import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Unanswered } from "../../src/log/unanswered.ts";

Deno.test("the oldest that is not answered is known, in whatever order they are answered", () => {
  const steps = fc.array(fc.option(fc.nat(), { nil: undefined, freq: 2 }), { maxLength: 200 });
  fc.assert(fc.property(steps, fc.nat(3_000), (given, before) => {
    const unanswered = new Unanswered();
    const waiting: number[] = [];
    const add = () => {
      waiting.push(unanswered.add());
      assertEquals(unanswered.last, waiting.at(-1));
    };
    // More than there is room for at first.
    for (let i = 0; i < before; i++) add();
    for (const step of given) {
      if (step === undefined || waiting.length === 0) add();
      else unanswered.delete(waiting.splice(step % waiting.length, 1)[0] as number);
      assertEquals(unanswered.oldest, waiting[0] ?? unanswered.last + 1);
    }
    for (const number of waiting.reverse()) unanswered.delete(number);
    assertEquals(unanswered.oldest, unanswered.last + 1);
  }));
});

Deno.test("nothing is answered twice", () => {
  const unanswered = new Unanswered();
  const [first, second] = [unanswered.add(), unanswered.add()];
  unanswered.delete(second);
  assertThrows(() => unanswered.delete(second));
  unanswered.delete(first);
  assertThrows(() => unanswered.delete(first));
});
