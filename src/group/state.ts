/**
 * The state of a group, and its encoding: its members, and who owns which partition. Only
 * `transition.ts` changes it. It has no times: gateways keep the deadlines.
 */

import type { Topic } from "../types.ts";

export interface Member {
  readonly id: string;
  /** The connection that acts for it. Each `join` has its own, which makes it idempotent. */
  readonly connection: string;
  /** The gateway that has the connection. */
  readonly gateway: string;
  /** The name under which it may return; absent: it ends with its connection. */
  readonly instance?: string;
  /** The client that joined, and the number of its attempt, if it was given. */
  readonly client?: string;
  readonly attempt?: number;
  /** Incarnations of the topics that it wants. */
  readonly topics: readonly string[];
  /** Where to begin if nothing is committed. */
  readonly from: "earliest" | "latest";
  readonly sessionTimeoutMs: number;
  readonly revokeTimeoutMs: number;
  /** Its connection is gone, and the group waits for it to return. */
  readonly away: boolean;
  /** Its gateway is shutting down: it gives up its partitions. */
  readonly draining: boolean;
}

/** A topic that some member wants. */
export interface GroupTopic {
  readonly topic: Topic;
  /** By partition: the id of the member that owns it. */
  readonly owners: readonly (string | undefined)[];
  /** By partition: the epoch in which it was assigned to its owner. */
  readonly since: readonly number[];
  /** Partitions that their owner was told to give up. */
  readonly revoking: ReadonlySet<number>;
}

export interface GroupState {
  /** Rises with every change. */
  readonly epoch: number;
  readonly members: ReadonlyMap<string, Member>;
  /** By incarnation. */
  readonly topics: ReadonlyMap<string, GroupTopic>;
}

export const EMPTY: GroupState = { epoch: 0, members: new Map(), topics: new Map() };

/** The member with this instance name. */
export function holderOf(
  instance: string | undefined,
  { members }: Pick<GroupState, "members">,
): Member | undefined {
  if (instance === undefined) return undefined;
  return [...members.values()].find((member) => member.instance === instance);
}

/** As JSON, with owners as indexes into the list of members. */
export function encodeState({ epoch, members, topics }: GroupState): Uint8Array {
  const places = new Map([...members.keys()].map((id, place) => [id, place]));
  const owned = [...topics.values()].map(({ topic, owners, since, revoking }) => ({
    topic,
    owners: owners.map((owner) => owner === undefined ? -1 : places.get(owner)),
    since,
    revoking: [...revoking],
  }));
  const listed = [...members.values()].map(textOf).join();
  return new TextEncoder().encode(
    `{"epoch":${epoch},"members":[${listed}],"topics":${JSON.stringify(owned)}}`,
  );
}

/** The JSON of members: they are most of a state, and most of them do not change. */
const texts = new WeakMap<Member, string>();

function textOf(member: Member): string {
  const known = texts.get(member);
  if (known !== undefined) return known;
  const text = JSON.stringify(member);
  texts.set(member, text);
  return text;
}

interface Stored {
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly topics: readonly {
    readonly topic: Topic;
    readonly owners: readonly number[];
    readonly since: readonly number[];
    readonly revoking: readonly number[];
  }[];
}

export function decodeState(bytes: Uint8Array): GroupState {
  const stored: Stored = JSON.parse(new TextDecoder().decode(bytes));
  return {
    epoch: stored.epoch,
    members: new Map(stored.members.map((member) => [member.id, member])),
    topics: new Map(stored.topics.map(({ topic, owners, since, revoking }) => [topic.id, {
      topic,
      since,
      owners: owners.map((place) => stored.members[place]?.id),
      revoking: new Set(revoking),
    }])),
  };
}
