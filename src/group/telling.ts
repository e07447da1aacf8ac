/**
 * What the members at this gateway are told once a transition is stored: the difference to what
 * they were told last. That can be more than this transition: an earlier one whose outcome was
 * unknown may have been stored too, without anybody being told.
 */

import { GatewayError } from "../errors.ts";
import type { Assigned, GroupPartition } from "./member_port.ts";
import type { Membership } from "./membership.ts";
import type { Prepared } from "./preparation.ts";
import type { Topic } from "../types.ts";
import type { GroupState, Member } from "./state.ts";
import { takenOver } from "./takeover.ts";

/** What is new for a member. */
export interface Change {
  readonly assigned: Assigned[];
  readonly revoked: GroupPartition[];
  readonly lost: GroupPartition[];
}

/** A member that is here, and what it will be told. */
interface Recipient {
  readonly membership: Membership;
  readonly member: Member;
  /** It was told nothing before, whatever the member owned. */
  readonly isNew: boolean;
  readonly change: Change;
}

/** By the ids of their members. */
type Recipients = ReadonlyMap<string | undefined, Recipient>;

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
  const recipients = new Map<string | undefined, Recipient>();
  for (const membership of [...members.values()]) {
    const member = connected.get(membership.connection);
    if (member) {
      const change: Change = { assigned: [], revoked: [], lost: [] };
      recipients.set(member.id, { membership, member, isNew: !membership.isTold, change });
    } else if (membership.isTold) {
      members.delete(membership.connection);
      membership.end(reasonOf(membership, told, after, isDeleted));
    }
  }
  addChanges(told, prepared, recipients);
  addDeleted(told, after, recipients);
  for (const { membership, member, change } of recipients.values()) {
    membership.tell(member, after.epoch, change);
  }
}

/** What has changed for whom. Each topic is walked over once for all members, not once for each. */
function addChanges(told: GroupState, prepared: Prepared, recipients: Recipients): void {
  for (const [topicId, { topic, owners, since, revoking }] of prepared.transition.state.topics) {
    const was = told.topics.get(topicId);
    for (const [partition, owner] of owners.entries()) {
      const before = was?.owners[partition];
      // With the same owner, it may have been lost and assigned again since, at other gateways.
      const isKept = owner === before && was?.since[partition] === since[partition];
      if (!isKept) addLost(recipients.get(before), { topic, partition });
      const recipient = recipients.get(owner);
      if (!recipient) continue;
      const { change, isNew } = recipient;
      const keeps = isKept && !isNew;
      if (!keeps) {
        const committed = prepared.committed(topicId, partition) ?? { offset: 0 };
        const end = prepared.end(topicId, partition) ?? committed.offset;
        change.assigned.push({ topic, partition, ...committed, end });
      }
      // It may have been assigned and revoked again since the last look.
      const knowsIt = keeps && was?.revoking.has(partition);
      if (revoking.has(partition) && !knowsIt) change.revoked.push({ topic, partition });
    }
  }
}

/** The partitions of topics that are no longer there are lost to their owners. */
function addDeleted(before: GroupState, after: GroupState, recipients: Recipients): void {
  for (const [topicId, { topic, owners }] of before.topics) {
    if (after.topics.has(topicId)) continue;
    for (const [partition, owner] of owners.entries()) {
      addLost(recipients.get(owner), { topic, partition });
    }
  }
}

function addLost(recipient: Recipient | undefined, lost: GroupPartition): void {
  if (recipient && !recipient.isNew) recipient.change.lost.push(lost);
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
