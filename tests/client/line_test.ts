/** A producer's line: which items are sent with which sequences after one fails for good. */

import { assertEquals } from "@std/assert";
import { Line, type Numbered } from "../../src/client/line.ts";

interface Item extends Numbered {
  readonly name: string;
}

function item(name: string): Item {
  return {
    name,
    width: 1,
    sequence: 0,
    mustWait: false,
    sent: false,
    inDoubt: false,
    stored: false,
  };
}

function lineOf(...items: Item[]): Line<Item> {
  const line = new Line<Item>();
  for (const one of items) line.add(one);
  return line;
}

function sent(items: readonly Item[]): string[] {
  return items.map(({ name, sequence }) => `${name}${sequence}`);
}

Deno.test("items behind one that cannot be sent are taken back, and move up", () => {
  const [broken, behind, later] = [item("x"), item("a"), item("b")];
  const line = lineOf(broken, behind);
  assertEquals(sent(line.next(0)), ["x0", "a1"]);
  line.takeBack([behind]);
  line.refused(broken, false);
  line.add(later);
  assertEquals(sent(line.next(0)), ["a0", "b1"]);
});

Deno.test("items that replace a refused one get sequences of their own", () => {
  for (const anyNext of [false, true]) {
    const whole = item("x");
    const line = lineOf(whole, item("c"));
    line.next(0);
    line.again(line.unanswered[1] as Item, false, 0, 0);
    line.refused(whole, anyNext, [item("a"), item("b")]);
    const numbers = sent(line.next(0)).map((one) => Number(one.slice(1)));
    assertEquals(new Set(numbers).size, 3, `${numbers}`);
  }
});

Deno.test("an item stored behind an unanswered one is resent with it, so no sequence is missing", () => {
  const [first, second, third] = [item("a"), item("b"), item("c")];
  const line = lineOf(first, second, third);
  line.next(0);
  line.ok(second);
  assertEquals(sent(line.next(0)), [], "in the same session nothing goes twice");
  line.lost();
  assertEquals(line.unanswered.map(({ name }) => name), ["a", "c"]);
  assertEquals(sent(line.next(0)), ["a0", "b1", "c2"]);
  line.ok(first);
  line.lost();
  assertEquals(sent(line.next(0)), ["c2"], "nothing before it is open any more");
});
