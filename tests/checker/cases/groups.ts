/** Faults of a group: its offsets, and who owns what. */

import type { Case } from "./case.ts";
import type { Sketch } from "./sketch.ts";

/** One member hands the partition over to another. */
function handover(sketch: Sketch, from: string, to: string, offset: number): void {
  sketch.revoked(from, "a/0");
  sketch.released(from, "a/0");
  sketch.assigned(to, "a/0", offset);
}

export const GROUP_CASES: readonly Case[] = [
  {
    kind: "commit-regression",
    name: "a partition is assigned below what was committed",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.committed("m", "a/0", 5);
      handover(sketch, "m", "n", wrong ? 4 : 5);
    },
  },
  {
    kind: "commit-regression",
    name: "without epochs, an assignment may come late and below it if it is soon given up",
    tell(sketch, wrong) {
      sketch.terms(100);
      sketch.assigned("m", "a/0", 0);
      sketch.committed("m", "a/0", 5);
      sketch.left("m");
      sketch.assigned("n", "a/0", 0);
      if (wrong) sketch.wait(100);
      sketch.revoked("n", "a/0");
      sketch.released("n", "a/0");
    },
  },
  {
    kind: "commit-regression",
    name: "without epochs, one that has it again may have committed before another hears of it",
    tell(sketch, wrong) {
      sketch.terms(100);
      sketch.assigned("m", "a/0", 0);
      sketch.wait(100);
      sketch.committed("m", "a/0", 5);
      if (!wrong) sketch.assigned("m", "a/0", 5);
      sketch.assigned("n", "a/0", 0);
      sketch.left("n");
    },
  },
  {
    kind: "commit-regression",
    name: "the answer to a commit names less than was to be committed",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.ok(sketch.commits("m", "a/0", 5), [["a", 0, wrong ? 4 : 5]]);
    },
  },
  {
    kind: "commit-regression",
    name: "the answer to a commit names less than an earlier one",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.ok(sketch.commits("m", "a/0", 5), [["a", 0, 5]]);
      sketch.ok(sketch.commits("m", "a/0", 3), [["a", 0, wrong ? 4 : 5]]);
    },
  },
  {
    kind: "commit-regression",
    name: "a transaction's commit is forgotten",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      const commit = { group: "g", member: "m", offsets: [["a", 0, 5]] } as const;
      sketch.allStored(sketch.sends([{ topic: "b", values: ["x"] }], commit), "b/0/0");
      handover(sketch, "m", "n", wrong ? 0 : 5);
    },
  },
  {
    kind: "commit-regression",
    name: "only a reset takes offsets back",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 5);
      sketch.left("m");
      const op = sketch.resets("a/0", 2);
      if (wrong) sketch.fail(op);
      else sketch.ok(op);
      sketch.assigned("n", "a/0", 2);
    },
  },
  {
    kind: "commit-beyond-head",
    name: "a commit is beyond the log's end",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.committed("m", "a/0", wrong ? 2 : 1);
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "commit-beyond-head",
    name: "a partition is assigned beyond the log's end",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", wrong ? 2 : 1);
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "skipped",
    name: "a partition is assigned past what anybody had",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.polls("m", "a/0", 0, "x");
      handover(sketch, "m", "n", wrong ? 2 : 1);
    },
  },
  {
    kind: "zombie-commit",
    name: "a commit is taken from a member that knows that it lost the partition",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0", true);
      sketch.assigned("n", "a/0", 0);
      sketch.committed(wrong ? "m" : "n", "a/0", 1);
    },
  },
  {
    kind: "zombie-commit",
    name: "a commit is taken from a member that does not know that another has the partition",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0, 1);
      const early = wrong ? undefined : sketch.commits("m", "a/0", 1);
      sketch.assigned("n", "a/0", 0, 2);
      sketch.ok(early ?? sketch.commits("m", "a/0", 1));
    },
  },
  {
    kind: "zombie-commit",
    name: "without epochs, one that was told late that it had the partition hears that it lost it",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0);
      sketch.assigned("n", "a/0", 0);
      sketch.committed("m", "a/0", 1);
      sketch.revoked("n", "a/0", !wrong);
    },
  },
  {
    kind: "zombie-commit",
    name:
      "without epochs, one that was away and has it again need not hear so if nothing was committed",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0);
      sketch.wait(1_000);
      sketch.assigned("n", "a/0", 0);
      if (wrong) sketch.committed("n", "a/0", 1);
      sketch.revoked("n", "a/0", true);
      sketch.committed("m", "a/0", 2);
    },
  },
  {
    kind: "zombie-commit",
    name: "one that is not above what is committed changes nothing, and is allowed",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0", true);
      sketch.assigned("n", "a/0", 0);
      sketch.committed("n", "a/0", 3);
      sketch.committed("m", "a/0", wrong ? 4 : 3);
    },
  },
  {
    kind: "zombie-commit",
    name: "where members commit by themselves, what another had may be committed",
    tell(sketch, wrong) {
      sketch.terms(100, wrong ? [] : ["g"]);
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0", true);
      sketch.assigned("n", "a/0", 0);
      sketch.polls("n", "a/0", 0, "x");
      sketch.committed("m", "a/0", 1);
    },
  },
  {
    kind: "double-owner",
    name: "two members are sent records in one epoch",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0, 1);
      sketch.polls("m", "a/0", 0, "x");
      sketch.assigned("n", "a/0", 0, wrong ? 1 : 2);
      sketch.polls("n", "a/0", 0, "x");
    },
  },
  {
    kind: "double-owner",
    name: "commits of two members are taken in one epoch",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.assigned("m", "a/0", 0, 1);
      sketch.assigned("n", "a/0", 0, wrong ? 1 : 2);
      if (wrong) sketch.committed("m", "a/0", 1);
      sketch.committed("n", "a/0", 2);
    },
  },
  {
    kind: "double-owner",
    name: "a member is sent records long after another was given the partition",
    also: ["unearned-handover"],
    tell(sketch, wrong) {
      sketch.terms(100);
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0, 1);
      sketch.assigned("n", "a/0", 0, 2);
      sketch.wait(wrong ? 100 : 90);
      sketch.polls("m", "a/0", 0, "x");
    },
  },
  {
    kind: "double-owner",
    name: "without epochs, both must hear from their gateways for long enough",
    also: ["unearned-handover"],
    tell(sketch, wrong) {
      sketch.terms(100);
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.assigned("n", "a/0", 0);
      sketch.wait(100);
      sketch.polls("m", "a/0", 0, "x");
      if (!wrong) sketch.revoked("n", "a/0", true);
      sketch.joined("n");
    },
  },
  {
    kind: "unearned-handover",
    name: "a member is told much, and not that its partition is another's",
    tell(sketch, wrong) {
      sketch.terms(100);
      sketch.assigned("m", "a/0", 0, 1);
      sketch.assigned("n", "a/0", 0, 2);
      if (!wrong) sketch.revoked("m", "a/0", true);
      sketch.wait(100);
      sketch.joined("m");
    },
  },
  {
    kind: "unowned",
    name: "a partition has no owner in the end",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.topic("a", wrong ? 2 : 1);
      sketch.healed();
    },
  },
  {
    kind: "unowned",
    name: "a partition has two owners in the end",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0, 1);
      sketch.assigned("m", "a/1", 0, 1);
      if (!wrong) sketch.revoked("m", "a/1", true);
      sketch.assigned("n", "a/1", 0, 2);
      sketch.healed();
    },
  },
  {
    kind: "uneven",
    name: "one member owns two partitions and another none",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.joined("n");
      sketch.assigned(wrong ? "m" : "n", "a/1", 0);
      sketch.healed();
    },
  },
  {
    kind: "uneven",
    name: "a member may own nothing of a topic that was deleted and created again",
    tell(sketch, wrong) {
      sketch.joined("n");
      if (!wrong) sketch.ok(sketch.deletes("a"));
      sketch.given("m", "a/0", "2");
      sketch.given("m", "a/1", "2");
      sketch.healed();
      for (const name of ["a/0", "a/1"]) sketch.log(name, 0, "", "2");
    },
  },
  {
    kind: "uneven",
    name: "who owns some of what was created again owns as many as others",
    tell(sketch, wrong) {
      sketch.ok(sketch.deletes("a"));
      for (const name of ["a/0", "a/1"]) sketch.given("m", name, "2");
      sketch.given(wrong ? "m" : "n", "a/2", "2");
      sketch.given("n", "a/3", "2");
      sketch.healed();
      for (const name of ["a/0", "a/1", "a/2", "a/3"]) sketch.log(name, 0, "", "2");
    },
  },
  {
    kind: "uneven",
    name: "a member that joined for other topics counts for those",
    tell(sketch, wrong) {
      sketch.assigned("m", "a/0", 0);
      sketch.assigned("m", "a/1", 0);
      sketch.joined("n", wrong ? ["a"] : ["b"]);
      sketch.healed();
    },
  },
];
