/** Faults of a log. */

import type { Case } from "./case.ts";
import type { Sketch } from "./sketch.ts";

const producer = { id: "p", epoch: 1, sequence: 0 };

/** A send without an answer. */
function sent(sketch: Sketch, ...values: string[]): void {
  for (const value of values) sketch.send("a", value);
}

export const LOG_CASES: readonly Case[] = [
  {
    kind: "inconsistent-offsets",
    name: "two readers get different records at one offset",
    tell(sketch, wrong) {
      sent(sketch, "x", "y");
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
      sketch.subscribes("s", "a/0", 0);
      sketch.polls("s", "a/0", 0, wrong ? "y" : "x");
    },
  },
  {
    kind: "inconsistent-offsets",
    name: "a reader got what is not in the log",
    tell(sketch, wrong) {
      sent(sketch, "x", "y");
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, wrong ? "y" : "x");
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "inconsistent-offsets",
    name: "two publishers are given the same place",
    tell(sketch, wrong) {
      const [one, other] = [sketch.send("a", "x"), sketch.send("a", "y")];
      sketch.stored(one, "a/0/0");
      sketch.stored(other, wrong ? "a/0/0" : "a/0/1");
    },
  },
  {
    kind: "duplicate",
    name: "a producer's record is stored at two offsets",
    tell(sketch, wrong) {
      sketch.info(sketch.send("a", "x", producer));
      sketch.send("a", "x", producer);
      sketch.log("a/0", 0, wrong ? "x x" : "x");
    },
  },
  {
    kind: "duplicate",
    name: "a record is stored in two partitions",
    tell(sketch, wrong) {
      sent(sketch, "x");
      sketch.log("a/0", 0, "x");
      sketch.log("a/1", 0, wrong ? "x" : "");
    },
  },
  {
    kind: "duplicate",
    name: "without a producer each try may store a record, and one try stores it once",
    tell(sketch, wrong) {
      sketch.info(sketch.send("a", "x"));
      if (!wrong) sketch.info(sketch.send("a", "x"));
      sketch.log("a/0", 0, "x x");
    },
  },
  {
    kind: "lost-write",
    name: "an acknowledged record is not in the log",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      sketch.log("a/0", 0, wrong ? "" : "x");
    },
  },
  {
    kind: "lost-write",
    name: "what was read is not in the log, though nobody knew whether it was stored",
    tell(sketch, wrong) {
      sketch.info(sketch.send("a", "x"));
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
      sketch.log("a/0", 0, wrong ? "" : "x");
    },
  },
  {
    kind: "lost-write",
    name: "a topic that nobody deleted is another one in the end",
    tell(sketch, wrong) {
      sketch.topic("a", 1, "1");
      sketch.published("x", "a/0/0");
      if (!wrong) sketch.ok(sketch.deletes("a"));
      sketch.topic("a", 1, "2");
      sketch.log("a/0", 0, "", "2");
    },
  },
  {
    kind: "ack-payload-mismatch",
    name: "a topic is named by who reads what was sent behind its deletion, not by who may be late",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      sketch.ok(sketch.deletes("a"));
      sketch.info(sketch.send("a", "z"));
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, wrong ? "z" : "x");
      sketch.published("y", "a/0/0");
      sketch.ok(sketch.deletes("a"));
    },
  },
  {
    kind: "G1a",
    name: "somebody reads what was refused",
    tell(sketch, wrong) {
      const op = sketch.send("a", "x");
      if (wrong) sketch.fail(op);
      else sketch.info(op);
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "G1a",
    name: "what was refused, and sent again later, was there in between",
    tell(sketch, wrong) {
      sketch.fail(sketch.send("a", "x", producer));
      sketch.subscribes("r", "a/0", 0);
      if (wrong) sketch.polls("r", "a/0", 0, "x");
      sketch.published("x", "a/0/0", producer);
      if (!wrong) sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "phantom",
    name: "there is a record that nobody published",
    tell(sketch, wrong) {
      if (!wrong) sent(sketch, "x");
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "phantom",
    name: "a record is read before it is published",
    tell(sketch, wrong) {
      if (!wrong) sent(sketch, "x");
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
      if (wrong) sent(sketch, "x");
    },
  },
  {
    kind: "phantom",
    name: "a record is in another topic than it was published to",
    tell(sketch, wrong) {
      sketch.send(wrong ? "b" : "a", "x");
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "ack-payload-mismatch",
    name: "another record is at an acknowledged place",
    tell(sketch, wrong) {
      const [one, other] = [sketch.send("a", "x"), sketch.send("a", "y")];
      sketch.stored(one, wrong ? "a/0/1" : "a/0/0");
      sketch.info(other);
      sketch.log("a/0", 0, "x y");
    },
  },
  {
    kind: "ack-payload-mismatch",
    name: "a publish gets places for some of its records",
    tell(sketch, wrong) {
      sketch.stored(sketch.send("a", "x y"), ...(wrong ? ["a/0/0"] : ["a/0/0", "a/0/1"]));
    },
  },
  {
    kind: "spurious-zero-offset",
    name: "a record is acknowledged at the offset that a number is before it has a value",
    also: ["ack-payload-mismatch"],
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      sketch.published("y", "a/0/1");
      sketch.published("z", wrong ? "a/0/0" : "a/0/2");
      sketch.log("a/0", 0, "x y z");
    },
  },
  {
    kind: "spurious-zero-offset",
    name: "offset 0 is given away when 1 is known to be taken",
    also: ["realtime-order"],
    tell(sketch, wrong) {
      sketch.published("x", wrong ? "a/0/1" : "a/0/0");
      sketch.published("y", wrong ? "a/0/0" : "a/0/1");
    },
  },
  {
    kind: "offset-hole",
    name: "an offset within the log has no record",
    tell(sketch, wrong) {
      sent(sketch, "x", "y", "z");
      sketch.log("a/0", 0, wrong ? "x - z" : "x y z");
    },
  },
  {
    kind: "offset-hole",
    name: "the log ends before its end",
    tell(sketch, wrong) {
      sent(sketch, "x");
      sketch.log("a/0", 0, "x", "1", wrong ? 2 : 1);
    },
  },
  {
    kind: "dead-read",
    name: "the log holds something else when it is read once more",
    also: ["inconsistent-offsets"],
    tell(sketch, wrong) {
      sent(sketch, "x", "y");
      sketch.log("a/0", 0, "x");
      sketch.log("a/0", 0, wrong ? "y" : "x");
    },
  },
  {
    kind: "dead-read",
    name: "the log is shorter when it is read once more",
    tell(sketch, wrong) {
      sent(sketch, "x", "y");
      sketch.log("a/0", 0, "x y");
      sketch.log("a/0", 0, wrong ? "x" : "x y");
    },
  },
  {
    kind: "incarnation-reuse",
    name: "a topic that was made again has records of the one before",
    tell(sketch, wrong) {
      sent(sketch, "x", "y");
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
      sketch.ok(sketch.deletes("a"));
      sketch.log("a/0", 0, wrong ? "x" : "y", "2");
    },
  },
  {
    kind: "incarnation-reuse",
    name: "a position in one incarnation is taken for one in the next",
    tell(sketch, wrong) {
      sketch.subscribes("r", "a/0", 0);
      sketch.ok(sketch.deletes("a"));
      sketch.subscribes("r", "a/0", 0, { incarnation: "2", recovered: wrong });
    },
  },
  {
    kind: "realtime-order",
    name: "a later publish is stored before an acknowledged one",
    tell(sketch, wrong) {
      sketch.published("x", wrong ? "a/0/2" : "a/0/1");
      sketch.published("y", wrong ? "a/0/1" : "a/0/2");
    },
  },
  {
    kind: "realtime-order",
    name: "a publish is stored before what was read before it",
    tell(sketch, wrong) {
      sent(sketch, "x");
      const early = wrong ? undefined : sketch.send("a", "y");
      sketch.subscribes("r", "a/0", 2);
      sketch.polls("r", "a/0", 2, "x");
      sketch.stored(early ?? sketch.send("a", "y"), "a/0/1");
    },
  },
  {
    kind: "linearizable-register",
    name: "a log ends before an acknowledged record",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      sketch.ends(sketch.tail("a"), wrong ? 0 : 1);
    },
  },
  {
    kind: "linearizable-register",
    name: "a log ends behind a record that is published later",
    tell(sketch, wrong) {
      const early = wrong ? undefined : sketch.send("a", "x");
      sketch.ends(sketch.tail("a"), 1);
      sketch.stored(early ?? sketch.send("a", "x"), "a/0/0");
    },
  },
  {
    kind: "linearizable-register",
    name: "of two reads of a log's end the later one finds less",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      const early = wrong ? undefined : sketch.tail("a");
      sketch.ends(sketch.tail("a"), 1);
      sketch.ends(early ?? sketch.tail("a"), 0);
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "linearizable-register",
    name: "a log ends in the middle of a publish",
    tell(sketch, wrong) {
      sketch.send("a", "x y");
      sketch.ends(sketch.tail("a"), wrong ? 1 : 2);
      sketch.log("a/0", 0, "x y");
    },
  },
  {
    kind: "linearizable-register",
    name: "a log ends beyond its end",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.ends(sketch.tail("a"), wrong ? 2 : 1);
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "torn-transaction",
    name: "one part of a transaction is stored, and the other is not",
    tell(sketch, wrong) {
      const sends = [{ topic: "a", values: ["x"] }, { topic: "b", values: ["y"] }];
      sketch.info(sketch.sends(sends));
      sketch.log("a/0", 0, "x");
      sketch.log("b/0", 0, wrong ? "" : "y");
    },
  },
  {
    kind: "torn-transaction",
    name: "a publish to two partitions reaches one",
    tell(sketch, wrong) {
      sketch.info(sketch.send("a", "x y"));
      sketch.log("a/0", 0, wrong ? "x" : "");
      sketch.log("a/1", 0, "");
    },
  },
];
