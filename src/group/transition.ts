/**
 * How a group changes: (state, commands) → (state, what changed). Pure. The idea is KIP-848's: there
 * is a target, and partitions move towards it one step at a time.
 *
 *     owned ──target differs──► revoking ──released, overdue or lost──► free ──► owned by another
 *
 * 1. A partition has one owner at most, and goes to another only by way of being free in a state that
 *    was stored: so what was committed for it cannot change any more when its next owner begins.
 * 2. A partition that stays where it is is never touched.
 * 3. A command that was carried out before changes nothing: a write whose outcome was not clear is
 *    decided anew.
 */

import { assert, unreachable } from "../assert.ts";
import { GROUP } from "../limits.ts";
import type { Topic } from "../types.ts";
import { assign } from "./assign.ts";
import { type GroupState, type GroupTopic, holderOf, type Member } from "./state.ts";

export interface TopicPartitionId {
  readonly topicId: string;
  readonly partition: number;
}

export type Command =
  /** A member comes, or with the name of an instance comes back; `topics` are those that it wants. */
  | { readonly type: "join"; readonly member: Member; readonly topics: readonly Topic[] }
  /** It goes for good. */
  | { readonly type: "leave"; readonly connection: string }
  /** Its connection is gone: it is waited for if it has the name of an instance. */
  | { readonly type: "disconnect"; readonly connection: string }
  /** It has been waited for long enough. */
  | { readonly type: "expire"; readonly connection: string }
  /** It gives up what it was told to. */
  | {
    readonly type: "release";
    readonly connection: string;
    readonly partitions: readonly TopicPartitionId[];
  }
  /** It did not give this up in time. */
  | { readonly type: "overdue"; readonly owner: string; readonly at: TopicPartitionId }
  /** Its gateway is about to stop: without the name of an instance it gives up what it has. */
  | { readonly type: "drain"; readonly connection: string }
  | { readonly type: "topicRemoved"; readonly topicId: string };

/** The next state while it is being worked out. */
class Draft {
  readonly #members: Map<string, Member>;
  /** The ids of members by their connections: most commands name one. */
  readonly #ids: Map<string, string>;
  readonly topics: Map<
    string,
    { topic: Topic; owners: (string | undefined)[]; since: number[]; revoking: Set<number> }
  >;
  /** Members whose right to commit, as it was, is over. */
  readonly fenced = new Set<string>();
  /** Members that may yet go with their topics. */
  mayGo: number;
  /** Some of them are left for the next step. */
  goesOn = false;

  constructor({ members, topics }: GroupState, mayGo: number) {
    this.mayGo = mayGo;
    this.#members = new Map(members);
    this.#ids = new Map([...members.values()].map(({ connection, id }) => [connection, id]));
    this.topics = new Map();
    for (const [id, { topic, owners, since, revoking }] of topics) {
      const copy = { owners: [...owners], since: [...since], revoking: new Set(revoking) };
      this.topics.set(id, { topic, ...copy });
    }
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  byConnection(connection: string): Member | undefined {
    return this.#members.get(this.#ids.get(connection) ?? "");
  }

  /** A new member, or one that is different now. */
  put(member: Member): void {
    const before = this.#members.get(member.id);
    if (before) this.#ids.delete(before.connection);
    this.#members.set(member.id, member);
    this.#ids.set(member.connection, member.id);
  }

  /** Takes what the member was told to give up. */
  take(member: string, { topicId, partition }: TopicPartitionId): void {
    const topic = this.topics.get(topicId);
    if (topic?.owners[partition] !== member || !topic.revoking.delete(partition)) return;
    topic.owners[partition] = undefined;
    this.fenced.add(member);
  }

  /** Takes what the member owns and `which` holds of. */
  free(member: string, which: (topicId: string, partition: number) => boolean): void {
    for (const [topicId, { owners, revoking }] of this.topics) {
      for (const [partition, owner] of owners.entries()) {
        if (owner !== member || !which(topicId, partition)) continue;
        owners[partition] = undefined;
        revoking.delete(partition);
        this.fenced.add(member);
      }
    }
  }

  remove(member: string): void {
    this.free(member, () => true);
    this.#ids.delete(this.#members.get(member)?.connection ?? "");
    this.#members.delete(member);
    this.fenced.delete(member);
  }
}

export interface Transition {
  readonly state: GroupState;
  /** Nothing is different. */
  readonly unchanged: boolean;
  /** Members of the new state whose fence must change: something was taken from them, or they are new. */
  readonly fenced: ReadonlySet<string>;
  /** Partitions that have a new owner. */
  readonly given: readonly (TopicPartitionId & { readonly member: string })[];
  /** Another step towards the target can follow at once. */
  readonly goesOn: boolean;
}

/** Gives at most so many partitions; the rest follows in the next step. */
export function transition(
  before: GroupState,
  commands: readonly Command[],
  givenMax: number = GROUP.stepsAtOnce,
): Transition {
  const draft = new Draft(before, Math.ceil(givenMax / 4));
  for (const command of commands) carryOut(draft, command);
  const { given, goesOn } = reconcile(before, draft, givenMax);
  for (const topicId of draft.topics.keys()) dropUnwanted(draft, topicId);
  const changed = !isSame(before, draft);
  const state: GroupState = {
    epoch: before.epoch + (changed ? 1 : 0),
    members: draft.members,
    topics: draft.topics,
  };
  return { state, unchanged: !changed, fenced: draft.fenced, given, goesOn };
}

function carryOut(draft: Draft, command: Command): void {
  switch (command.type) {
    case "join":
      return join(draft, command.member, command.topics);
    case "leave": {
      const member = draft.byConnection(command.connection);
      if (member) draft.remove(member.id);
      return;
    }
    case "disconnect": {
      const member = draft.byConnection(command.connection);
      if (!member) return;
      if (member.instance === undefined) draft.remove(member.id);
      else if (!member.away) draft.put({ ...member, away: true });
      return;
    }
    case "expire": {
      const member = draft.byConnection(command.connection);
      if (member?.away) draft.remove(member.id);
      return;
    }
    case "release": {
      const member = draft.byConnection(command.connection);
      if (!member) return;
      for (const at of command.partitions) draft.take(member.id, at);
      return;
    }
    case "overdue":
      return draft.take(command.owner, command.at);
    case "drain": {
      const member = draft.byConnection(command.connection);
      if (!member || member.instance !== undefined || member.draining) return;
      return draft.put({ ...member, draining: true });
    }
    case "topicRemoved":
      return removeTopic(draft, command.topicId);
    default:
      return unreachable(command);
  }
}

function join(draft: Draft, joining: Member, topics: readonly Topic[]): void {
  if (draft.byConnection(joining.connection)) return;
  for (const topic of topics) {
    if (draft.topics.has(topic.id)) continue;
    const owners = new Array<string | undefined>(topic.partitions).fill(undefined);
    const since = new Array<number>(topic.partitions).fill(0);
    draft.topics.set(topic.id, { topic, owners, since, revoking: new Set() });
  }
  const known = holderOf(joining.instance, draft);
  const id = known?.id ?? joining.id;
  // What was being taken from the one before is taken, and what the new one does not want.
  if (known) {
    draft.free(id, (topicId, partition) =>
      !joining.topics.includes(topicId) ||
      (draft.topics.get(topicId)?.revoking.has(partition) ?? false));
  }
  draft.put({ ...joining, id });
  draft.fenced.add(id);
}

/** Those that want no other topic go, as many as a write takes with all else; the rest in the next. */
function removeTopic(draft: Draft, topicId: string): void {
  if (!draft.topics.delete(topicId)) return;
  for (const member of [...draft.members.values()]) {
    if (!member.topics.includes(topicId)) continue;
    const topics = member.topics.filter((id) => id !== topicId);
    if (topics.length > 0) draft.put({ ...member, topics });
    else if (draft.mayGo > 0) {
      draft.mayGo--;
      draft.remove(member.id);
    } else {
      draft.goesOn = true;
    }
  }
}

/** One step from where things are towards where they are to be. */
function reconcile(before: GroupState, draft: Draft, givenMax: number) {
  const given: (TopicPartitionId & { member: string })[] = [];
  let { goesOn } = draft;
  for (const [topicId, target] of targetOf(draft)) {
    const topic = draft.topics.get(topicId);
    assert(topic, "a target is of topics that are there");
    for (const [partition, wanted] of target.entries()) {
      const owner = topic.owners[partition];
      if (owner === wanted || topic.revoking.has(partition)) continue;
      if (owner !== undefined) {
        topic.revoking.add(partition);
      } else if (wanted !== undefined) {
        const wasFree = before.topics.get(topicId)?.owners[partition] === undefined;
        if (wasFree && given.length < givenMax) {
          topic.owners[partition] = wanted;
          topic.since[partition] = before.epoch + 1;
          given.push({ topicId, partition, member: wanted });
        } else {
          goesOn = true;
        }
      }
    }
  }
  return { given, goesOn };
}

function targetOf({ members, topics }: Draft) {
  const staying = [...members.values()].filter(({ draining }) => !draining);
  const isStaying = new Set(staying.map(({ id }) => id));
  const wanting = new Map<string, string[]>([...topics.keys()].map((id) => [id, []]));
  for (const { id, topics } of staying) for (const topic of topics) wanting.get(topic)?.push(id);
  return assign([...topics].map(([id, { owners, revoking }]) => ({
    id,
    owners: owners.map((owner, partition) =>
      owner !== undefined && isStaying.has(owner) && !revoking.has(partition) ? owner : undefined
    ),
    members: wanting.get(id) ?? [],
  })));
}

/** A topic that no member wants, and of which none is owned, is none of the group's business. */
function dropUnwanted(draft: Draft, topicId: string): void {
  for (const { topics } of draft.members.values()) if (topics.includes(topicId)) return;
  if (draft.topics.get(topicId)?.owners.every((owner) => owner === undefined)) {
    draft.topics.delete(topicId);
  }
}

function isSame(before: GroupState, after: Draft): boolean {
  if (before.members.size !== after.members.size) return false;
  if (before.topics.size !== after.topics.size) return false;
  for (const [id, member] of after.members) if (before.members.get(id) !== member) return false;
  for (const [id, topic] of after.topics) {
    if (!isSameTopic(before.topics.get(id), topic)) return false;
  }
  return true;
}

function isSameTopic(before: GroupTopic | undefined, after: GroupTopic): boolean {
  return before !== undefined &&
    before.revoking.size === after.revoking.size &&
    before.owners.every((owner, partition) => owner === after.owners[partition]) &&
    [...after.revoking].every((partition) => before.revoking.has(partition));
}
