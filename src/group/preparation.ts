/**
 * Makes a transition ready to be written: finds where new owners begin, and puts together all that
 * one conditional write is to change.
 */

import { GatewayError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Bounds } from "../log/section.ts";
import { keys } from "../store/keys.ts";
import type { Mutation, Store } from "../store/store.ts";
import type { Evidence } from "../store/transact.ts";
import type { Offset, Topic } from "../types.ts";
import { type LoadedGroup, replaceGroup } from "./group_store.ts";
import { type Committed, committedOf, encodeCommitted } from "./offsets.ts";
import type { GroupState } from "./state.ts";
import { type Command, type Transition, transition } from "./transition.ts";

/** What a group asks of the log. */
export interface StartingLog {
  bounds(topic: Topic, partition: number): Promise<Bounds>;
}

export interface PreparationContext {
  readonly store: Store;
  readonly host: Host;
  readonly log: StartingLog;
  readonly gateway: string;
}

/** A transition that can be written. */
export interface Prepared {
  readonly before: LoadedGroup;
  readonly root: LoadedGroup["root"];
  readonly commands: readonly Command[];
  readonly transition: Transition;
  readonly mutations: readonly Mutation[];
  readonly evidence: Evidence;
  /** What is committed of the partitions that members are about to be told of. */
  committed(topicId: string, partition: number): Committed | undefined;
}

export async function prepare(
  group: string,
  context: PreparationContext,
  before: LoadedGroup,
  given: readonly Command[],
  stamp: string,
): Promise<Prepared> {
  const commands = [...farewells(before.state, context.gateway), ...given];
  const next = transition(before.state, commands);
  const { mutations, evidence, root } = replaceGroup(group, before, next.state, stamp);
  const committed = await startOffsets(group, context, next, commands);
  if (next.unchanged) {
    return {
      before,
      root,
      commands,
      transition: next,
      mutations: [],
      evidence,
      committed: committed.get,
    };
  }
  const fence = new TextEncoder().encode(stamp);
  for (const member of next.fenced) {
    mutations.push({ type: "set", key: keys.fence(group, member), value: fence });
  }
  for (const member of before.state.members.keys()) {
    if (next.state.members.has(member)) continue;
    mutations.push({ type: "delete", key: keys.fence(group, member) });
  }
  for (const { topicId, partition, first } of committed.first) {
    const key = keys.offset(group, topicId, partition);
    const value = encodeCommitted(context.host.random.bytes(16), { offset: first });
    mutations.push({ type: "set", key, value });
  }
  return {
    before,
    root,
    commands,
    transition: next,
    mutations,
    evidence,
    committed: committed.get,
  };
}

/** Members of a gateway that is no more have lost their connections with it. */
function farewells({ members }: GroupState, gateway: string): Command[] {
  return [...members.values()]
    .filter((member) => member.gateway !== gateway && !member.away)
    .map(({ connection }) => ({ type: "disconnect", connection }));
}

/**
 * The committed offsets of the partitions that get an owner, or whose owner has a new connection;
 * where none is committed, the one that its owner wants to begin at. Nobody owns them in the state
 * that the write is conditional on, or only a connection that is fenced by the same write: so these
 * cannot change before it.
 */
async function startOffsets(
  group: string,
  { store, log }: PreparationContext,
  { state, given }: Transition,
  commands: readonly Command[],
) {
  const known = new Map<string, Map<number, Committed>>();
  const first: { topicId: string; partition: number; first: Offset }[] = [];
  for (const topicId of topicsToLookUp(state, given, commands)) {
    known.set(topicId, await committedOf(store, group, topicId));
  }
  for (const { topicId, partition, member } of given) {
    const offsets = known.get(topicId);
    const topic = state.topics.get(topicId)?.topic;
    if (!offsets || !topic || offsets.has(partition)) continue;
    const offset = await startOf(log, topic, partition, state.members.get(member)?.from);
    offsets.set(partition, { offset });
    first.push({ topicId, partition, first: offset });
  }
  return {
    first,
    get: (topicId: string, partition: number) => known.get(topicId)?.get(partition),
  };
}

function topicsToLookUp(
  state: GroupState,
  given: Transition["given"],
  commands: readonly Command[],
): Set<string> {
  const topics = new Set(given.map(({ topicId }) => topicId));
  for (const command of commands) {
    if (command.type !== "join") continue;
    for (const [topicId, { owners }] of state.topics) {
      const owner = owners.find((owner) =>
        owner !== undefined && state.members.get(owner)?.connection === command.member.connection
      );
      if (owner !== undefined) topics.add(topicId);
    }
  }
  return topics;
}

async function startOf(
  log: StartingLog,
  topic: Topic,
  partition: number,
  from: "earliest" | "latest" = "earliest",
): Promise<Offset> {
  try {
    const { start, next } = await log.bounds(topic, partition);
    return from === "earliest" ? start : next;
  } catch (error) {
    // The topic was deleted meanwhile: the group is about to hear of it.
    if (error instanceof GatewayError && error.code === "unknown_topic") return 0;
    throw error;
  }
}
