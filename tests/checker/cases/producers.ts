/** Faults in the order of what is published, and in its answers. */

import type { Case } from "./case.ts";
import type { Sketch } from "./sketch.ts";

function stamp(sequence: number, epoch = 1) {
  return { id: "p", epoch, sequence };
}

/**
 * Two publishes, of which the second begins when the first is known to be stored, and one to both
 * of their topics that is before the first, and behind the second if it is wrong.
 */
function between(sketch: Sketch, wrong: boolean, second: string, known: () => void): void {
  sketch.sends([{ topic: "a", values: ["u"] }, { topic: "b", values: ["v"] }]);
  sketch.send("a", "x", { id: "p", epoch: 1, sequence: 0 });
  known();
  sketch.send("b", "y", { id: second, epoch: 1, sequence: 1 });
  sketch.log("a/0", 0, "u x");
  sketch.log("b/0", 0, wrong ? "y v" : "v y");
}

export const PRODUCER_CASES: readonly Case[] = [
  {
    kind: "int-send-skip",
    name: "another record is between those of one publish",
    tell(sketch, wrong) {
      sketch.send("a", "x y");
      sketch.send("a", "z");
      sketch.log("a/0", 0, wrong ? "x z y" : "z x y");
    },
  },
  {
    kind: "int-nonmonotonic-send",
    name: "the records of one publish are in another order",
    tell(sketch, wrong) {
      sketch.stored(sketch.send("a", "x y"), ...(wrong ? ["a/0/1", "a/0/0"] : ["a/0/0", "a/0/1"]));
    },
  },
  {
    kind: "nonmonotonic-send",
    name: "a producer's later publish is stored first",
    tell(sketch, wrong) {
      sketch.send("a", "x", stamp(0));
      sketch.send("a", "y", stamp(1));
      sketch.log("a/0", 0, wrong ? "y x" : "x y");
    },
  },
  {
    kind: "nonmonotonic-send",
    name: "a fenced epoch is stored behind the one that fences it",
    tell(sketch, wrong) {
      sketch.send("a", "x", stamp(7, 1));
      sketch.send("a", "y", stamp(0, 2));
      sketch.log("a/0", 0, wrong ? "y x" : "x y");
    },
  },
  {
    kind: "dup-ack-mismatch",
    name: "a repeat is acknowledged at another place",
    also: ["duplicate"],
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0", stamp(0));
      sketch.duplicate(sketch.send("a", "x", stamp(0)), wrong ? "a/0/1" : "a/0/0");
    },
  },
  {
    kind: "G0",
    name: "of two transactions each is before the other in one log",
    tell(sketch, wrong) {
      const one = [{ topic: "a", values: ["x"] }, { topic: "b", values: ["y"] }];
      const other = [{ topic: "a", values: ["u"] }, { topic: "b", values: ["v"] }];
      sketch.sends(one);
      sketch.sends(other);
      sketch.log("a/0", 0, "x u");
      sketch.log("b/0", 0, wrong ? "v y" : "y v");
    },
  },
  {
    kind: "G1c",
    name: "a transaction is stored before what it had read",
    tell(sketch, wrong) {
      const one = [{ topic: "a", values: ["x"] }, { topic: "b", values: ["y"] }];
      sketch.sends(one);
      sketch.assigned("m", "a/0", 0);
      sketch.polls("m", "a/0", 0, "x");
      const commit = { group: "g", member: "m", offsets: [["a", 0, 1]] } as const;
      sketch.sends([{ topic: "b", values: ["copy"] }], commit);
      sketch.log("b/0", 0, wrong ? "copy y" : "y copy");
    },
  },
  {
    kind: "G0-process",
    name: "a later publish of a process is before one that is before its first",
    tell(sketch, wrong) {
      between(sketch, wrong, "p", () => sketch.stored(2, "a/0/1"));
    },
  },
  {
    kind: "G0-realtime",
    name: "a publish is before one that is before what was acknowledged to another process",
    tell(sketch, wrong) {
      between(sketch, wrong, "q", () => sketch.stored(2, "a/0/1"));
    },
  },
  {
    kind: "G1c-process",
    name: "a publish is before one that is before what its process had read",
    tell(sketch, wrong) {
      between(sketch, wrong, "q", () => {
        sketch.subscribes("q", "a/0", 1);
        sketch.polls("q", "a/0", 1, "x");
      });
    },
  },
  {
    kind: "G1c-realtime",
    name: "a publish is before one that is before what somebody had read",
    tell(sketch, wrong) {
      between(sketch, wrong, "q", () => {
        sketch.subscribes("r", "a/0", 1);
        sketch.polls("r", "a/0", 1, "x");
      });
    },
  },
  {
    kind: "precommitted-read",
    name: "a transaction commits beyond what it publishes",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      const commit = { group: "g", member: "m", offsets: [["a", 0, wrong ? 1 : 0]] } as const;
      sketch.allStored(sketch.sends([{ topic: "a", values: ["x"] }], commit), "a/0/0");
    },
  },
  {
    kind: "consume-counts",
    name: "two transactions of a group consume one record",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      const commit = { group: "g", member: "m", offsets: [["a", 0, 1]] } as const;
      for (const copy of wrong ? [0, 1] : [0]) {
        sketch.assigned("m", "a/0", 0);
        sketch.polls("m", "a/0", 0, "x");
        sketch.allStored(
          sketch.sends([{ topic: "b", values: [`x${copy}`] }], commit),
          `b/0/${copy}`,
        );
      }
    },
    also: ["commit-regression"],
  },
  {
    kind: "consume-counts",
    name: "a transaction that is tried again is one, and one that is not stored is none",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      const commit = { group: "g", member: "m", offsets: [["a", 0, 1]] } as const;
      const pass = (copy: string) => {
        sketch.assigned("m", "a/0", 0);
        sketch.polls("m", "a/0", 0, "x");
        return sketch.sends([{ topic: "b", values: [copy] }], commit);
      };
      sketch.info(pass("lost"));
      sketch.info(pass("x0"));
      sketch.duplicate(pass(wrong ? "x1" : "x0"), "b/0/0");
      if (wrong) sketch.log("b/0", 0, "x1 x0");
      else sketch.log("b/0", 0, "x0");
    },
  },
];
