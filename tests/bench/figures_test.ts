/** Tests of the figures. */

import { assertEquals } from "@std/assert";
import { median, quantile, show } from "./figures.ts";

Deno.test("a quantile is the figure below which that part of them is", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i);
  assertEquals([0, 0.5, 0.99, 1].map((part) => quantile(hundred, part)), [0, 50, 99, 99]);
  assertEquals(quantile([], 0.5), NaN);
});

Deno.test("a median does not depend on the order", () => {
  const figures = [9, 1, 1_000];
  assertEquals(median(figures), 9);
  assertEquals(figures, [9, 1, 1_000]);
});

Deno.test("figures are shown with as many digits as can be read", () => {
  assertEquals([1_234_567.8, 3, 3.14159, NaN].map(show), ["1,234,568", "3", "3.14", "-"]);
});
