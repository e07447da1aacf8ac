import { assertEquals } from "@std/assert";
import { figures } from "./figures.ts";
import { Sketch } from "./cases/sketch.ts";

Deno.test("a reader is behind by how long what it lacks has been acknowledged", () => {
  const sketch = new Sketch();
  sketch.subscribes("r", "a/0", 0);
  sketch.published("x", "a/0/0");
  sketch.published("y", "a/0/1"); // acknowledged at 4
  sketch.wait(95);
  sketch.polls("r", "a/0", 0, "x"); // at 100
  sketch.polls("r", "a/0", 1, "y"); // then it lacks nothing
  assertEquals(figures(sketch.events).lagMs, { p50: 0, p99: 0, max: 96 });
});

Deno.test("a record that nobody acknowledged makes nobody late", () => {
  const sketch = new Sketch();
  sketch.subscribes("r", "a/0", 0);
  sketch.send("a", "x y");
  sketch.log("a/0", 0, "x y");
  sketch.wait(100);
  sketch.polls("r", "a/0", 0, "x");
  assertEquals(figures(sketch.events).lagMs.max, 0);
});

Deno.test("what a group gets is counted, by how often it got it", () => {
  const sketch = new Sketch();
  sketch.send("a", "x y z");
  sketch.assigned("m", "a/0", 0);
  sketch.polls("m", "a/0", 0, "x y");
  sketch.left("m");
  sketch.assigned("n", "a/0", 1);
  sketch.polls("n", "a/0", 1, "y z");
  sketch.subscribes("r", "a/0", 0);
  sketch.polls("r", "a/0", 0, "x y z");
  const { events, operations, records, deliveries } = figures(sketch.events);
  assertEquals({ events, operations, records }, { events: 8, operations: 4, records: 3 });
  assertEquals([...deliveries], [["g", [[1, 2], [2, 1]]]]);
});
