import { assertEquals } from "@std/assert";
import { longestOwnerless } from "./ownerless.ts";
import { Sketch } from "./cases/sketch.ts";

/** What happens, and the longest time without an owner: from, for so long, which partition. */
const CASES: Readonly<
  Record<string, readonly [(sketch: Sketch) => void, ...longest: (string | number)[]]>
> = {
  "a partition that always has its owner": [(sketch) => {
    sketch.assigned("m", "a/0", 0);
    sketch.wait(50);
    sketch.polls("m", "a/0", 0, "x");
  }],
  "from the loss by one to the assignment to another": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0); // at 0
      sketch.joined("n");
      sketch.revoked("m", "a/0", true); // at 2
      sketch.wait(50);
      sketch.assigned("n", "a/0", 0); // at 53
    },
    2,
    51,
    "a/0",
  ],
  "from being told to give it up on, whether it was released later or not": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0"); // at 1
      sketch.wait(10);
      sketch.released("m", "a/0");
      sketch.assigned("n", "a/0", 0); // at 13
    },
    1,
    12,
    "a/0",
  ],
  "the longest of several, of any partition": [
    (sketch) => {
      for (const [name, ms] of [["a/0", 5], ["b/1", 70], ["a/0", 9]] as const) {
        sketch.assigned("m", name, 0);
        sketch.revoked("m", name, true);
        sketch.wait(ms);
        sketch.assigned("m", name, 0);
      }
    },
    9,
    71,
    "b/1",
  ],
  "from the loss of the owner's connection, until it gets records again": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.connection("m", false); // at 1
      sketch.wait(20);
      sketch.connection("m", true);
      sketch.wait(20);
      sketch.polls("m", "a/0", 0, "x"); // at 43
    },
    1,
    42,
    "a/0",
  ],
  "what the owner still handles while its connection is lost does not count": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.connection("m", false); // at 1
      sketch.polls("m", "a/0", 0, "x");
      sketch.wait(20);
      sketch.assigned("n", "a/0", 0); // at 23
    },
    1,
    22,
    "a/0",
  ],
  "records of what was taken from it do not make it the owner": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0", true); // at 1
      sketch.polls("m", "a/0", 0, "x");
      sketch.wait(20);
      sketch.assigned("n", "a/0", 0); // at 23
    },
    1,
    22,
    "a/0",
  ],
  "the loss of one of two that believe to own it": [(sketch) => {
    sketch.assigned("m", "a/0", 0);
    sketch.assigned("n", "a/0", 0);
    sketch.revoked("m", "a/0", true);
    sketch.wait(50);
    sketch.assigned("n", "a/0", 0);
  }],
  "a time in which the group has no member": [(sketch) => {
    sketch.assigned("m", "a/0", 0);
    sketch.left("m");
    sketch.wait(50);
    sketch.assigned("n", "a/0", 0);
  }],
  "from when the group has a member again": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.left("m");
      sketch.wait(50);
      sketch.joined("n"); // at 52
      sketch.wait(7);
      sketch.assigned("n", "a/0", 0); // at 60
    },
    52,
    8,
    "a/0",
  ],
  "from when the group has a member again, though nobody owned it when the last one left": [
    (sketch) => {
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0", true);
      sketch.left("m");
      sketch.wait(50);
      sketch.joined("n"); // at 53
      sketch.assigned("n", "a/0", 0);
    },
    53,
    1,
    "a/0",
  ],
  "a time in which no member wants the topic": [(sketch) => {
    sketch.joined("n", ["b"]);
    sketch.assigned("m", "a/0", 0);
    sketch.left("m");
    sketch.wait(50);
    sketch.assigned("m", "a/0", 0);
  }],
  "a time that is not over": [(sketch) => {
    sketch.assigned("m", "a/0", 0);
    sketch.joined("n");
    sketch.revoked("m", "a/0", true);
    sketch.wait(50);
    sketch.joined("n");
  }],
};

for (const [name, [happens, at, ms, partition]] of Object.entries(CASES)) {
  Deno.test(`without an owner ${at === undefined ? "never" : "longest"}: ${name}`, () => {
    const sketch = new Sketch();
    happens(sketch);
    const expected = at === undefined ? undefined : { at, ms, group: "g", name: partition };
    assertEquals(longestOwnerless(sketch.events) as unknown, expected);
  });
}
