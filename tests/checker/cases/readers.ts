/** Faults in what a reader gets. */

import type { Case } from "./case.ts";
import type { Sketch } from "./sketch.ts";

/** A reader of a log of four records. */
function begins(sketch: Sketch): void {
  sketch.send("a", "w x y z");
  sketch.subscribes("r", "a/0", 0);
}

export const READER_CASES: readonly Case[] = [
  {
    kind: "int-poll-skip",
    name: "a record is missing within what comes at once",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.polls("r", "a/0", 0, wrong ? "w - y" : "w x y");
    },
  },
  {
    kind: "int-nonmonotonic-poll",
    name: "records that come at once are not in order",
    tell(sketch, wrong) {
      begins(sketch);
      const records = [[0, "w"], [1, "x"], [2, "y"]] as const;
      const [first, second, third] = records;
      sketch.polled("r", "a/0", wrong ? [first, third, second] : records, 3);
    },
    also: ["int-poll-skip"],
  },
  {
    kind: "poll-skip",
    name: "a record is missing between two polls",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.polls("r", "a/0", 0, "w");
      sketch.polls("r", "a/0", wrong ? 2 : 1, wrong ? "y" : "x y");
    },
  },
  {
    kind: "poll-skip",
    name: "a reader of some keys may be sent any, and others all",
    tell(sketch, wrong) {
      sketch.send("a", "w x y z");
      sketch.subscribes("r", "a/0", 0, { filtered: !wrong });
      sketch.polls("r", "a/0", 3, "z");
    },
  },
  {
    kind: "poll-skip",
    name: "a gap begins further on than the reader was",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.gap("r", "a/0", wrong ? 1 : 0, 2);
    },
  },
  {
    kind: "poll-skip",
    name: "what is said to be trimmed is still there",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.gap("r", "a/0", 0, 2, "trimmed");
      if (wrong) sketch.log("a/0", 0, "w x y z");
      else sketch.log("a/0", 2, "y z");
    },
  },
  {
    kind: "poll-skip",
    name: "a reader is told that it missed nothing, and did",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.polls("r", "a/0", 0, "w");
      sketch.subscribes("r", "a/0", wrong ? 2 : 1, { recovered: true });
    },
  },
  {
    kind: "nonmonotonic-poll",
    name: "a record comes again",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.polls("r", "a/0", 0, "w x");
      sketch.polls("r", "a/0", wrong ? 1 : 2, wrong ? "x" : "y");
    },
  },
  {
    kind: "unseen",
    name: "a record never reached a reader that was to get all",
    tell(sketch, wrong) {
      begins(sketch);
      sketch.healed();
      sketch.polls("r", "a/0", 0, wrong ? "w x y" : "w x y z");
      sketch.log("a/0", 0, "w x y z");
      // Otherwise the send would be an unanswered request.
      sketch.stored(1, "a/0/0", "a/0/1", "a/0/2", "a/0/3");
    },
  },
  {
    kind: "unseen",
    name: "a record reached no member of a group",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.published("x", "a/0/0");
      sketch.assigned("m", "a/0", 0);
      sketch.healed();
      if (!wrong) sketch.polls("m", "a/0", 0, "x");
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "unseen",
    name: "a reader that has ended is owed nothing",
    tell(sketch, wrong) {
      sketch.published("x", "a/0/0");
      sketch.subscribes("r", "a/0", 0);
      if (!wrong) sketch.unsubscribes("r", "a");
      sketch.healed();
      sketch.log("a/0", 0, "x");
    },
  },
  {
    kind: "realtime-lag",
    name: "though faults are over, a record comes long after it was acknowledged",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.subscribes("r", "a/0", 0);
      sketch.healed();
      sketch.published("x", "a/0/0"); // acknowledged at 4
      sketch.wait(wrong ? 100 : 99);
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "realtime-lag",
    name: "a reader is late if it began in time, and faults had been over for long",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.published("x", "a/0/0");
      if (wrong) sketch.healed();
      sketch.subscribes("r", "a/0", 0);
      sketch.wait(100);
      if (!wrong) sketch.healed();
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "delivery-after-revoke",
    name: "records come to a member that knows that it lost the partition",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", wrong ? "a/0" : "a/1", true);
      sketch.polls("m", "a/0", 0, "x");
    },
  },
  {
    kind: "delivery-after-revoke",
    name: "records come to a member that was to give the partition up",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      if (wrong) sketch.revoked("m", "a/0");
      sketch.polls("m", "a/0", 0, "x");
    },
  },
  {
    kind: "delivery-after-revoke",
    name: "records come to a member that has given the partition up",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      sketch.revoked("m", "a/0");
      sketch.released("m", "a/0");
      if (!wrong) sketch.assigned("m", "a/0", 0);
      sketch.polls("m", "a/0", 0, "x");
    },
  },
  {
    kind: "delivery-after-revoke",
    name: "records come to a member that has left",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.assigned("m", "a/0", 0);
      if (wrong) sketch.left("m");
      sketch.polls("m", "a/0", 0, "x");
    },
  },
  {
    kind: "delivery-after-revoke",
    name: "records come to one that never asked for them",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      if (!wrong) sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "unanswered",
    name: "a question has no answer though all has come right",
    tell(sketch, wrong) {
      const op = sketch.send("a", "x");
      sketch.healed();
      if (!wrong) sketch.info(op);
    },
  },
];
