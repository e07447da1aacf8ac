/** What a gateway does that does not heed tokens. */

import type { Event } from "../history.ts";
import type { Corruption } from "./corruptions.ts";
import { all, type At, type Grant, isAcknowledged, pick, replaced, told } from "./spoil.ts";

/** Longer than anything is on its way in these histories, and than a token is good for. */
const LATE_MS = 200;

/** The grant that a process had at an event. */
function grantAt(events: readonly Event[], { event, index }: At<Event>): At<Grant> | undefined {
  return all(events, told("grant")).findLast((grant) =>
    grant.index < index && grant.event.process === event.process
  );
}

export const ACCESS_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a reader gets what its token does not allow",
    kinds: ["acl-leak"],
    apply(events, chance) {
      const polls = all(events, told("poll")).filter((poll) => grantAt(events, poll));
      const poll = pick(polls, chance);
      const grant = poll && grantAt(events, poll);
      return grant && replaced(events, grant.index, { ...grant.event, read: ["another"] });
    },
  },
  {
    name: "a publisher's token does not allow what it does",
    kinds: ["acl-leak"],
    apply(events, chance) {
      const answers = all(events, isAcknowledged).filter((answer) => grantAt(events, answer));
      const answer = pick(answers, chance);
      const grant = answer && grantAt(events, answer);
      return grant && replaced(events, grant.index, { ...grant.event, write: ["another"] });
    },
  },
  {
    name: "a reader goes on when its token has expired",
    kinds: ["delivery-after-token-expiry"],
    apply(events, chance) {
      const polls = all(events, told("poll")).filter((poll) => grantAt(events, poll));
      const poll = pick(polls, chance);
      const grant = poll && grantAt(events, poll);
      if (!grant) return undefined;
      const until = poll.event.at - LATE_MS;
      return replaced(events, grant.index, { ...grant.event, until });
    },
  },
];
