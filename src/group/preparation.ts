/**
 * Prepares a transition for writing: finds where new owners begin, and assembles everything that
 * one conditional write changes.
 */

import type { Host } from "../host/host.ts";
import { keys } from "../store/keys.ts";
import type { Check, Mutation, Store } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import type { Offset, Topic } from "../types.ts";
import { stepsAtOnce } from "./group_keys.ts";
import { type LoadedGroup, replaceGroup } from "./group_store.ts";
import { type Committed, committedOf, encodeCommitted, newStamp } from "./offsets.ts";
import type { GroupState } from "./state.ts";
import { type Command, type Transition, transition } from "./transition.ts";

/** What a group asks of the log. */
export interface StartingLog {
  readonly topics: {
    find(name: string): Promise<Topic | undefined>;
    isCurrent(topic: Topic): boolean;
  };
  /** As they are in the store. */
  starts(topic: Topic): Promise<readonly Offset[]>;
  ends(topic: Topic): Promise<readonly Offset[]>;
}

export interface PreparationContext {
  readonly store: Store;
  readonly host: Host;
  readonly log: StartingLog;
  readonly peers: { isAlive(gateway: string): boolean };
}

/** What a transition is computed from. */
export interface Preparing {
  readonly loaded: LoadedGroup;
  readonly commands: readonly Command[];
  /** Of the write. */
  readonly stamp: string;
  /** The state that local members were last told. */
  readonly told: GroupState;
}

/** A transition that can be written. */
export interface Prepared {
  readonly before: LoadedGroup;
  readonly root: LoadedGroup["root"];
  /** The size of the new state. */
  readonly bytes: number;
  readonly transition: Transition;
  /** Besides that of the root. */
  readonly checks: readonly Check[];
  readonly mutations: readonly Mutation[];
  readonly evidence: Evidence;
  /** The committed offset of a partition that a member is about to be told of. */
  committed(topicId: string, partition: number): Committed | undefined;
  /** Where its log ends. */
  end(topicId: string, partition: number): Offset | undefined;
}

export async function prepare(
  group: string,
  context: PreparationContext,
  { loaded: before, commands: given, stamp, told }: Preparing,
): Promise<Prepared> {
  const most = stepsAtOnce(group);
  const gone = farewells(before.state, context.peers);
  // Deletions come last: a joining member may want a topic that was deleted since it was looked up.
  const commands = [
    ...gone.slice(0, most - given.length),
    ...given,
    ...await deletions([before.state, told], given, context.log),
  ];
  const step = transition(before.state, commands, most);
  const next = { ...step, goesOn: step.goesOn || gone.length + given.length > most };
  // The fences of returning members before their committed offsets: see `startOffsets`.
  const checks = await fencesOf(group, context.store, before.state, commands);
  const { first, committed, end } = await startOffsets(group, context, next, told);
  const { mutations, evidence, root, bytes } = replaceGroup(group, before, next.state, stamp);
  const prepared = { before, root, bytes, transition: next, evidence, committed, end };
  if (next.unchanged) return { ...prepared, checks: [], mutations: [] };
  const fence = new TextEncoder().encode(stamp);
  for (const member of next.fenced) {
    mutations.push({ type: "set", key: keys.fence(group, member), value: fence });
  }
  for (const member of before.state.members.keys()) {
    if (next.state.members.has(member)) continue;
    mutations.push({ type: "delete", key: keys.fence(group, member) });
  }
  for (const { topicId, partition, offset } of first) {
    const key = keys.offset(group, topicId, partition);
    const value = encodeCommitted(newStamp(context.host.random), { offset });
    mutations.push({ type: "set", key, value });
  }
  return { ...prepared, checks, mutations };
}

/** Commands for members whose gateway is dead, and for those none of whose topics is left. */
function farewells({ members, topics }: GroupState, peers: PreparationContext["peers"]): Command[] {
  return [...members.values()].flatMap(
    ({ connection, gateway, away, topics: wanted }): Command[] => {
      if (!wanted.some((id) => topics.has(id))) return [{ type: "leave", connection }];
      return away || peers.isAlive(gateway) ? [] : [{ type: "disconnect", connection }];
    },
  );
}

/**
 * Commands for topics whose deletion this gateway has missed. That includes topics that are no
 * longer in the group: local members are told the reason.
 */
async function deletions(
  states: readonly GroupState[],
  given: readonly Command[],
  log: StartingLog,
): Promise<Command[]> {
  const wanted = [
    ...states.flatMap(({ topics }) => [...topics.values()].map(({ topic }) => topic)),
    ...given.flatMap((command) => command.type === "join" ? command.topics : []),
  ];
  const known = new Map(wanted.map((topic) => [topic.id, topic]));
  const found = await Promise.all([...known.values()].map(({ name }) => log.topics.find(name)));
  return [...known.keys()]
    .filter((topicId, i) => found[i]?.id !== topicId)
    .map((topicId) => ({ type: "topicRemoved", topicId }));
}

/**
 * Checks that returning instances have committed nothing since this read: every commit changes the
 * fence, and the old connection may commit until the write.
 */
async function fencesOf(
  group: string,
  store: Store,
  { members }: GroupState,
  commands: readonly Command[],
): Promise<Check[]> {
  const names = new Set<string | undefined>();
  for (const command of commands) if (command.type === "join") names.add(command.member.instance);
  names.delete(undefined);
  const returning = [...members.values()].filter(({ instance }) => names.has(instance));
  if (returning.length === 0) return [];
  const fences = await store.read(returning.map(({ id }) => keys.fence(group, id)));
  return fences.map(({ version }, i) => ({
    key: keys.fence(group, returning[i]?.id ?? ""),
    version,
  }));
}

/**
 * The committed offsets of partitions that members will be told of; where none is committed, the
 * one at which the owner wants to begin. None of them can change before the write: newly assigned
 * partitions have no owner in the state that it checks, and the fences of returning members are
 * checked.
 */
async function startOffsets(
  group: string,
  { store, log }: PreparationContext,
  { state, given }: Transition,
  told: GroupState,
) {
  const known = new Map<string, Map<number, Committed>>();
  const ends = new Map<string, readonly Offset[]>();
  const first: { topicId: string; partition: number; offset: Offset }[] = [];
  for (const [topicId, { topic }] of state.topics) {
    if (!isNews(topicId, state, told)) continue;
    known.set(topicId, await committedOf(store, group, topicId));
    ends.set(topicId, await log.ends(topic));
  }
  const starts = new Map<string, readonly Offset[]>();
  for (const { topicId, partition, member } of given) {
    const offsets = known.get(topicId);
    const topic = state.topics.get(topicId)?.topic;
    if (!offsets || !topic || offsets.has(partition)) continue;
    const isLatest = state.members.get(member)?.from === "latest";
    if (!isLatest && !starts.has(topicId)) starts.set(topicId, await log.starts(topic));
    // A topic that was deleted meanwhile has no bounds: the group is about to hear of it.
    const offset = (isLatest ? ends : starts).get(topicId)?.[partition] ?? 0;
    offsets.set(partition, { offset });
    first.push({ topicId, partition, offset });
  }
  const committed = (topicId: string, partition: number) => known.get(topicId)?.get(partition);
  const end = (topicId: string, partition: number) => ends.get(topicId)?.[partition];
  return { first, committed, end };
}

/**
 * Whether a partition of the topic has a new owner, or its owner a new connection, compared with
 * what members were told.
 */
function isNews(topicId: string, state: GroupState, told: GroupState): boolean {
  const was = told.topics.get(topicId);
  const { owners = [], since = [] } = state.topics.get(topicId) ?? {};
  return owners.some((owner, partition) =>
    owner !== undefined && (owner !== was?.owners[partition] ||
      since[partition] !== was.since[partition] ||
      state.members.get(owner)?.connection !== told.members.get(owner)?.connection)
  );
}
