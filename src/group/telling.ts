/**
 * What the members that are here are told, once it is stored: what is different from what they were
 * told last. That may be more than the last transition: one whose outcome was not known in time may
 * have been stored all the same, and nobody was told of it then.
 */

import { GatewayError } from "../errors.ts";
import type { Assigned, GroupPartition } from "./member_port.ts";
import type { Membership } from "./membership.ts";
import type { Prepared } from "./preparation.ts";
import type { Topic } from "../types.ts";
import type { GroupState, Member } from "./state.ts";
import { takenOver } from "./takeover.ts";

/** Who is told, and of what. */
interface Hearer {
  readonly membership: Membership;
  readonly member: Member;
  /** It has been told nothing yet, whatever the member owned before. */
  readonly joins: boolean;
  readonly change: Change;
}

/** Tells each of them what is new for it. Those whose membership is over are taken out. */
export function tell(
  told: GroupState,
  prepared: Prepared,
  members: Map<string, Membership>,
  isDeleted: (topic: Topic) => boolean,
): void {
  const { transition: { state: after } } = prepared;
  const connected = new Map(
    [...after.members.values()].map((member) => [member.connection, member]),
  );
  const hearers = new Map<string, Hearer>();
  for (const membership of [...members.values()]) {
    const member = connected.get(membership.connection);
    if (member) {
      const change: Change = { assigned: [], revoked: [], lost: [] };
      hearers.set(member.id, { membership, member, joins: !membership.isTold, change });
    } else if (membership.isTold) {
      members.delete(membership.connection);
      membership.end(reasonOf(membership, told, after, isDeleted));
    }
  }
  compare(told, prepared, hearers);
  addVanished(told, after, hearers);
  for (const { membership, member, change } of hearers.values()) {
    membership.tell(member, after.epoch, change);
  }
}

/** What is different for whom, of the topics that are there: in one walk over them, not in one for each. */
function compare(
  told: GroupState,
  prepared: Prepared,
  hearers: ReadonlyMap<string, Hearer>,
): void {
  for (const [topicId, { topic, owners, since, revoking }] of prepared.transition.state.topics) {
    const was = told.topics.get(topicId);
    for (const [partition, owner] of owners.entries()) {
      const before = was?.owners[partition];
      // It may have been lost and given back since, at other gateways, with others in between.
      const isKept = owner === before && was?.since[partition] === since[partition];
      const loser = isKept ? undefined : hearerOf(hearers, before);
      if (loser && !loser.joins) loser.change.lost.push({ topic, partition });
      const hearer = hearerOf(hearers, owner);
      if (!hearer) continue;
      const { change, joins } = hearer;
      const keeps = isKept && !joins;
      if (!keeps) {
        const committed = prepared.committed(topicId, partition) ?? { offset: 0 };
        const end = prepared.end(topicId, partition) ?? committed.offset;
        change.assigned.push({ topic, partition, ...committed, end });
      }
      // It may have been given and asked for again since it was looked at last.
      const knowsIt = keeps && was?.revoking.has(partition);
      if (revoking.has(partition) && !knowsIt) change.revoked.push({ topic, partition });
    }
  }
}

/** What they owned of topics that are no longer there is lost. */
function addVanished(
  before: GroupState,
  after: GroupState,
  hearers: ReadonlyMap<string, Hearer>,
): void {
  for (const [topicId, { topic, owners }] of before.topics) {
    if (after.topics.has(topicId)) continue;
    for (const [partition, owner] of owners.entries()) {
      const loser = hearerOf(hearers, owner);
      if (loser && !loser.joins) loser.change.lost.push({ topic, partition });
    }
  }
}

function hearerOf(
  hearers: ReadonlyMap<string, Hearer>,
  member: string | undefined,
): Hearer | undefined {
  return member === undefined ? undefined : hearers.get(member);
}

/** What is new for a member. */
export interface Change {
  readonly assigned: Assigned[];
  readonly revoked: GroupPartition[];
  readonly lost: GroupPartition[];
}

function reasonOf(
  membership: Membership,
  before: GroupState,
  after: GroupState,
  isDeleted: (topic: Topic) => boolean,
): GatewayError {
  if (after.members.has(membership.member)) return takenOver();
  const wanted = before.members.get(membership.member)?.topics ?? [];
  const isGone = (id: string) => {
    const topic = before.topics.get(id)?.topic;
    return topic ? isDeleted(topic) : !after.topics.has(id);
  };
  if (wanted.length > 0 && wanted.every(isGone)) {
    return new GatewayError("unknown_topic", "The topics of this membership were deleted");
  }
  return new GatewayError("fenced", "The membership was given away");
}
