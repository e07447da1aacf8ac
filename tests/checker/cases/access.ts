/** Faults of rights. */

import type { Case } from "./case.ts";

export const ACCESS_CASES: readonly Case[] = [
  {
    kind: "acl-leak",
    name: "records come of a topic that the reader's token does not allow",
    tell(sketch, wrong) {
      sketch.send("a", "x");
      sketch.subscribes("r", "a/0", 0);
      sketch.granted("r", wrong ? "b* aa" : "b a*");
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "acl-leak",
    name: "a subscription to a topic begins that the reader's token does not allow",
    tell(sketch, wrong) {
      sketch.granted("r", wrong ? "b" : "b a/k");
      sketch.subscribes("r", "a/0", 0);
    },
  },
  {
    kind: "acl-leak",
    name: "a record comes with another key than the reader's own",
    tell(sketch, wrong) {
      sketch.granted("r", "a/me");
      sketch.keyed("a", wrong ? "you" : "me", "x");
      sketch.subscribes("r", "a/0", 0, { filtered: true });
      sketch.polls("r", "a/0", 0, "x");
    },
  },
  {
    kind: "acl-leak",
    name: "a token that allows less holds from then on",
    tell(sketch, wrong) {
      sketch.send("a", "x y");
      sketch.granted("r", "a");
      sketch.subscribes("r", "a/0", 0);
      sketch.polls("r", "a/0", 0, "x");
      sketch.granted("r", "b");
      if (wrong) sketch.polls("r", "a/0", 1, "y");
    },
  },
  {
    kind: "acl-leak",
    name: "what one may only read is published to",
    tell(sketch, wrong) {
      sketch.granted("sender", "a", wrong ? "" : "a");
      sketch.published("x", "a/0/0");
    },
  },
  {
    kind: "acl-leak",
    name: "a record is published with another key than the sender's own",
    tell(sketch, wrong) {
      sketch.granted("sender", "", "a/me*");
      sketch.stored(sketch.keyed("a", wrong ? "you" : "me too", "x"), "a/0/0");
    },
  },
  {
    kind: "acl-leak",
    name: "a member is given a partition of a topic of which it may read some keys",
    tell(sketch, wrong) {
      sketch.granted("m", wrong ? "a/*" : "a");
      sketch.assigned("m", "a/0", 0);
    },
  },
  {
    kind: "acl-leak",
    name: "a member is given a partition in a group that it may not join",
    tell(sketch, wrong) {
      sketch.granted("m", "a", "", { groups: [wrong ? "h" : "g"] });
      sketch.assigned("m", "a/0", 0);
    },
  },
  {
    kind: "acl-leak",
    name: "a request is carried out for one whose token has expired",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.granted("sender", "", "a", { until: 10 });
      sketch.wait(wrong ? 109 : 108); // then it is 111, or 110
      sketch.published("x", "a/0/0");
    },
  },
  {
    kind: "delivery-after-token-expiry",
    name: "records come to a reader whose token has expired, and was not renewed",
    tell(sketch, wrong) {
      sketch.terms();
      sketch.send("a", "x");
      sketch.subscribes("r", "a/0", 0);
      sketch.granted("r", "a", "", { until: 10 });
      if (!wrong) sketch.granted("r", "a", "", { until: 200 });
      sketch.wait(200);
      sketch.polls("r", "a/0", 0, "x");
    },
  },
];
