import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Bucket } from "../src/bucket.ts";

Deno.test("two seconds' worth may be taken at once, and more only when that is made good", () => {
  const bucket = new Bucket(10, 0);
  bucket.take(19);
  assertEquals(bucket.waitMs(0), 0);
  bucket.take(11); // larger than what is left: let in, and owed
  assertEquals(bucket.waitMs(0), 1_001);
  assertEquals([bucket.waitMs(1_000) > 0, bucket.waitMs(1_001)], [true, 0]);
});

Deno.test("what is not taken is not saved up for ever", () => {
  const bucket = new Bucket(10, 0);
  bucket.take(5);
  assertEquals([bucket.isFull(499), bucket.isFull(500)], [false, true]);
  bucket.take(20);
  assertEquals(bucket.waitMs(1_000_000) > 0, false);
});

Deno.test("a bucket that is given another rate is as full as it was, and owes what it owed", () => {
  const bucket = new Bucket(10, 0);
  bucket.perSecond = 1_000;
  assertEquals(bucket.isFull(0), true);
  bucket.take(1_000);
  bucket.perSecond = 10;
  bucket.take(9);
  assertEquals(bucket.waitMs(0), 0);
  bucket.take(11);
  assertEquals(bucket.waitMs(0), 1_001);
  bucket.perSecond = 1_000;
  assertEquals(bucket.waitMs(0), 11);
});

Deno.test("whoever waits as long as he is told never exceeds the rate on the long run", () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 500 }), {
    minLength: 1,
    maxLength: 50,
    size: "max",
  });
  fc.assert(fc.property(fc.integer({ min: 1, max: 1_000 }), amounts, (perSecond, amounts) => {
    const bucket = new Bucket(perSecond, 0);
    let now = 0;
    let before = 0;
    for (const amount of amounts) {
      now += bucket.waitMs(now);
      assertEquals(bucket.waitMs(now), 0);
      bucket.take(amount);
      const allowed = perSecond * 2 + perSecond * now / 1_000 + 1e-3;
      if (before > allowed) throw new Error(`${before} were taken by ${now} ms, not ${allowed}`);
      before += amount;
    }
  }));
});
