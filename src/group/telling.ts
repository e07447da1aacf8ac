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
  for (const membership of [...members.values()]) {
    const member = connected.get(membership.connection);
    if (member) tellMember(membership, member, told, prepared);
    else if (membership.isTold) {
      members.delete(membership.connection);
      membership.end(reasonOf(membership, told, after, isDeleted));
    }
  }
}

function tellMember(
  membership: Membership,
  member: Member,
  told: GroupState,
  prepared: Prepared,
): void {
  const { transition: { state: after } } = prepared;
  const joins = !membership.isTold;
  const change: Change = { assigned: [], revoked: [], lost: [] };
  for (const [topicId, { topic, owners, since, revoking }] of after.topics) {
    const was = told.topics.get(topicId);
    for (const [partition, owner] of owners.entries()) {
      const owned = !joins && was?.owners[partition] === member.id;
      // It may have been lost and given back since, at other gateways, with others in between.
      const keeps = owned && owner === member.id && was.since[partition] === since[partition];
      if (owned && !keeps) change.lost.push({ topic, partition });
      if (owner !== member.id) continue;
      if (!keeps) {
        const committed = prepared.committed(topicId, partition) ?? { offset: 0 };
        const end = prepared.end(topicId, partition) ?? committed.offset;
        change.assigned.push({ topic, partition, ...committed, end });
      }
      // It may have been given and asked for again since it was looked at last.
      const knowsIt = keeps && was.revoking.has(partition);
      if (revoking.has(partition) && !knowsIt) change.revoked.push({ topic, partition });
    }
  }
  if (!joins) change.lost.push(...vanished(member.id, told, after));
  membership.tell(member, after.epoch, change);
}

/** What is new for a member. */
export interface Change {
  readonly assigned: Assigned[];
  readonly revoked: GroupPartition[];
  readonly lost: GroupPartition[];
}

/** What it owned of topics that are no longer there. */
function vanished(member: string, before: GroupState, after: GroupState): GroupPartition[] {
  return [...before.topics].flatMap(([topicId, { topic, owners }]) =>
    after.topics.has(topicId)
      ? []
      : owners.flatMap((owner, partition) => owner === member ? [{ topic, partition }] : [])
  );
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
