/**
 * How a group changes: (state, commands) → (state, what changed). Pure. The idea is KIP-848's:
 * there is a target, and partitions move towards it one step at a time.
 *
 *     owned ──target differs──► revoking ──released, overdue or lost──► free ──► owned by another
 *
 * 1. A partition has at most one owner, and goes to another only through a stored state in which it
 *    is free. So its committed offset can no longer change when the next owner begins.
 * 2. A partition that keeps its owner is never interrupted.
 * 3. Commands are idempotent: after a write with an unknown outcome they are decided again.
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
  /** A member joins, or returns under its instance name; `topics` are those that it wants. */
  | { readonly type: "join"; readonly member: Member; readonly topics: readonly Topic[] }
  /** It leaves for good. */
  | { readonly type: "leave"; readonly connection: string }
  /** Its connection is gone; the group waits for it if it has an instance name. */
  | { readonly type: "disconnect"; readonly connection: string }
  /** It was away for longer than its session timeout. */
  | { readonly type: "expire"; readonly connection: string }
  /** It releases partitions that are being revoked. */
  | {
    readonly type: "release";
    readonly connection: string;
    readonly partitions: readonly TopicPartitionId[];
  }
  /** It did not release this in time. */
  | { readonly type: "overdue"; readonly owner: string; readonly at: TopicPartitionId }
  /** Its gateway is shutting down: without an instance name, it gives up its partitions. */
  | { readonly type: "drain"; readonly connection: string }
  | { readonly type: "topicRemoved"; readonly topicId: string };

/** The next state, under construction. */
class Draft {
  readonly #members: Map<string, Member>;
  /** The ids of members by their connections: most commands name one. */
  readonly #ids: Map<string, string>;
  readonly topics: Map<
    string,
    { topic: Topic; owners: (string | undefined)[]; since: number[]; revoking: Set<number> }
  >;
  /** Members whose fence must change. */
  readonly fenced = new Set<string>();
  /** How many more members may be removed along with their topics. */
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

  /** Adds or replaces a member. */
  put(member: Member): void {
    const before = this.#members.get(member.id);
    if (before) this.#ids.delete(before.connection);
    this.#members.set(member.id, member);
    this.#ids.set(member.connection, member.id);
  }

  /** Takes a partition that is being revoked from the member. */
  take(member: string, { topicId, partition }: TopicPartitionId): void {
    const topic = this.topics.get(topicId);
    if (topic?.owners[partition] !== member || !topic.revoking.delete(partition)) return;
    topic.owners[partition] = undefined;
    this.fenced.add(member);
  }

  /** Takes the member's partitions for which `which` is true. */
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
  /** Members whose fence must change: something was taken from them, or they are new. */
  readonly fenced: ReadonlySet<string>;
  /** Partitions that have a new owner. */
  readonly given: readonly (TopicPartitionId & { readonly member: string })[];
  /** Another step towards the target can follow at once. */
  readonly goesOn: boolean;
}

/** Carries out the commands. Assigns at most `givenMax` partitions, the rest in later steps. */
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
  // Takes what was being revoked, and the topics that the returning member no longer wants.
  if (known) {
    draft.free(id, (topicId, partition) =>
      !joining.topics.includes(topicId) ||
      (draft.topics.get(topicId)?.revoking.has(partition) ?? false));
  }
  draft.put({ ...joining, id });
  draft.fenced.add(id);
}

/** Removes members that want no other topic: as many as fit in the write, then the rest. */
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

/** One step from the current assignment towards the target. */
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

/** Drops a topic that no member wants and of which no partition is owned. */
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
